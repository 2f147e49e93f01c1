"""Kinds by content, plain text, language, genre, blocks joined with exact offsets, characters mended."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.extract import document, plain
from rubric_factory.extract.genre import genre_of, signals_of
from rubric_factory.extract.kind import Kind, kind_of
from rubric_factory.extract.language import language_of
from rubric_factory.extract.mending import Mender
from rubric_factory.extract.result import Block, Refused, join
from rubric_factory.text import words

PROSE = "The valve is closed when the pressure in the tank exceeds the limit that is set by the operator. " * 8
REQUEST = {"min_characters": 100, "max_characters": 100_000}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n...", Kind.PDF),
        (b"\xef\xbb\xbf  <!DOCTYPE html><p>x", Kind.HTML),
        (b"<?xml version='1.0'?><html xmlns='x'><body/></html>", Kind.HTML),
        ("<html><body>x".encode("utf-16"), Kind.HTML),
        (b"plain words, and 1 < 2", Kind.TEXT),
        ("Käse".encode("latin-1"), Kind.TEXT),
    ],
)
def test_kind_by_content(data, kind):
    assert kind_of(data) is kind


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b" \n\t", "empty"),
        (b"\0" * 50, "empty"),
        (b"PK\x03\x04....", "archive"),
        (b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml", "unsupported"),
        (b"\x1f\x8b....", "archive"),
        (b"a.txt".ljust(257, b"\0") + b"ustar\0", "archive"),
        (b"\x89PNG\r\n", "unsupported"),
        (b"text\0text", "unsupported"),
        (bytes(range(1, 32)) * 9, "unsupported"),
        (b"<?xml version='1.0'?><rss/>", "unsupported"),
    ],
)
def test_kinds_without_a_parser(data, reason):
    with pytest.raises(Refused) as caught:
        kind_of(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("data", "declared", "text"),
    [
        ("é€".encode(), "latin-1", "é€"),
        ("é".encode("latin-1"), "utf-8", "é"),
        ("щ".encode("koi8-r"), "koi8-r", "щ"),
        ("é".encode("utf-16"), None, "é"),
        (b"\x81\x8d", "no-such-codec", "\x81\x8d"),
    ],
)
def test_decoding(data, declared, text):
    assert plain.decode(data, declared) == text


def test_removed_characters_are_counted():
    found = plain.extract("a\u200bb\x07c\u202e".encode())
    assert (found.text, found.removed_characters) == ("abc", 3)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (PROSE, "en"),
        ("Der Druck in dem Kessel ist nicht höher als die Grenze, die von dem Betreiber für das Ventil gesetzt wird.", "de"),
        ("La pression dans le réservoir est plus basse que la limite qui est fixée par les opérateurs pour une vanne.", "fr"),
        ("Давление в котле не должно превышать предела, который установлен оператором для этого клапана.", "ru"),
        ("圧力がタンクの限界を超えると、弁は閉じられます。操作員はその限界を設定し、毎日それを確認しなければなりません。", "ja"),
        ("int main void return x y z foo bar baz 1 2 3", ""),
        ("```\n" + PROSE + "\n```", ""),
        ("x^2 + y_1 = 3 | 4 | 5 " * 40, ""),
        ("", ""),
    ],
)
def test_language(text, code):
    assert language_of(text) == code


def test_genres():
    code = "```\n" + "x = foo(bar)\n" * 40 + "```"
    member = "\n\n".join(f"vtkThing::Method{n}\n\nPublic" for n in range(60))
    assert genre_of("Tank", PROSE, (), signals_of(PROSE, "en")) == "manual"
    assert genre_of("foo.bar.Baz", PROSE, (), signals_of(PROSE, "en")) == "api_reference"
    assert genre_of("x", code, (), signals_of(code, "")) == "source_code"
    assert genre_of("x", member, (), signals_of(member, "")) == "listing"
    paper = f"A Title\n\nAbstract\n\n{PROSE}\n\nReferences\n\n[1] A. Author."
    assert genre_of("A Title", paper, (), signals_of(paper, "en")) == "paper"


def test_parse_refuses_by_length_and_genre():
    for data, reason in ((b"short", "too_short"), (PROSE.encode() * 200, "too_long"), (b"word\n\n" * 300, "listing")):
        with pytest.raises(Refused) as caught:
            document.parse(data, REQUEST)
        assert caught.value.reason == reason
    reply = document.parse(PROSE.encode(), REQUEST)
    assert (reply["language"], reply["genre"], reply["media_type"], reply["words"]) == ("en", "manual", "text/plain", len(words(PROSE)))


PAGES = st.lists(st.lists(st.tuples(st.text("ab \n", min_size=1), st.booleans()), max_size=3), min_size=1, max_size=6)


@given(PAGES)
def test_join_keeps_pages_and_sections_exact(pages):
    blocks = [Block(text, int(heading), [(number, 0)]) for number, page in enumerate(pages) for text, heading in page]
    text, starts, sections = join(blocks, len(pages))
    assert list(starts) == sorted(starts) and len(starts) == len(pages) and starts[0] == 0
    assert all(text.startswith(section.title, section.start) for section in sections)
    position = 0
    for block in blocks:
        assert text.startswith(block.text, position)
        assert sum(start <= position for start in starts) - 1 == block.pages[0][0]
        position += len(block.text) + 2


def test_hyphens_follow_the_rest_of_the_document():
    mender = Mender(["the log-likelihood is maximised", "thereafter"])
    assert mender.line("the log\ufffelikelihood and there\x02after") == "the log-likelihood and thereafter"
    assert mender.line("a compu\ufffetational X\ufffeRay") == "a computational X-Ray"
    assert mender.join("it is maxi-", "mised now") == ("it is maximised now", 10)
    assert mender.join("an AMS-", "LaTeX class") == ("an AMS- LaTeX class", 8)
    assert mender.removed == 0


def test_ligatures_codes_and_accents():
    mender = Mender([])
    assert mender.line("the ﬁrst e\x1bect is speci\x1ced, \x10so\x11, 1\x1533") == "the first effect is specified, “so”, 1–33"
    assert mender.line("J´anos Sz˝ocs") == "János Szőcs"
    assert mender.line("Λ \x14 \x12 (θ)\u00a0x") == "Λ (θ) x" and mender.removed == 2


def test_no_parser_is_imported_for_plain_text(tmp_path: Path):
    import subprocess
    import sys

    code = (
        "import sys; import rubric_factory.stages.ingest, rubric_factory.extract.shard, rubric_factory.extract.document;"
        "print([m for m in sys.modules if m.split('.')[0] in ('pypdf', 'pypdfium2', 'lxml', 'trafilatura')])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
