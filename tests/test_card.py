"""The card: golden page, YAML that `datasets` reads, untrusted text made inert; fingerprints and version numbers."""

import dataclasses
from pathlib import Path

import pytest
import yaml
from factory import AUTHOR, make_context, published, small_corpus
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.dataset_files import card_fingerprint
from rubric_factory.publishing.card import body, card, escaped, front_matter
from rubric_factory.publishing.fingerprints import FORMAT, next_version, public_settings
from rubric_factory.publishing.staged import Staged
from rubric_factory.records import DatasetVersion
from rubric_factory.settings.author import OpenAICompatibleAuthor
from rubric_factory.tables import PUBLISHED

STAGED = Staged(
    name="unit",
    parent=None,
    content_fingerprint="0" * 64,
    splits={},
    counts={
        "tasks": {"train": 8, "validation": 0, "test": 4},
        "documents": {"train": 4, "validation": 0, "test": 2},
        "grounding": {"train": 7, "validation": 0, "test": 4},
    },
    gates={"spans": {"severity": "error", "checked": 14, "refused": 2}},
    rejections={"ingest": {"no_text": 3}, "stage": {"split_conflict": 1}},
    author="extractive@1",
    evidence_grade="demo",
    licences={"CC-BY-4.0": 11, "unknown": 1},
    largest_cluster_share=0.031,
)


def test_golden_card():
    golden = Path(__file__).parent / "data" / "golden_card.md"
    assert card(STAGED, "1.2.3") == golden.read_text(encoding="utf-8")


def test_repair_and_review_are_told_where_they_happened():
    assert "## Repair" not in body(STAGED) and "## Review" not in body(STAGED)
    row = {"reason": "numbers", "tried": 7, "mended": 5, "publishable": 4}
    told = body(dataclasses.replace(STAGED, repair=[row], reviews={"refuse": 2, "edit": 1}, author="some/model@r1 prompts=abc"))
    assert "| numbers | 7 | 5 | 4 |" in told and "| refuse | 2 |" in told and "| edit | 1 |" in told
    assert "Author: some/model@r1 prompts=abc." in told


def test_front_matter_names_every_configuration_and_only_filled_splits():
    text = front_matter(STAGED)
    found = yaml.safe_load(text.split("---")[1])
    assert [config["config_name"] for config in found["configs"]] == list(PUBLISHED)
    assert [config.get("default", False) for config in found["configs"]] == [True, False, False]
    assert [entry["split"] for entry in found["configs"][1]["data_files"]] == ["train", "test"]
    assert {config["description"] for config in found["configs"]} == {f"content {'0' * 64} of unit"}
    assert found["license"] == "other"
    licensed, forged = (dataclasses.replace(STAGED, licences={name: 1}) for name in ("CC-BY-4.0", "mit\nconfigs: []"))
    assert yaml.safe_load(front_matter(licensed).split("---")[1])["license"] == "cc-by-4.0"
    hostile = yaml.safe_load(front_matter(forged).split("---")[1])
    assert hostile["license"] == "other" and len(hostile["configs"]) == 3


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "a | b | c",
        "[click](https://evil.example)",
        "![x](https://evil.example/x.png)",
        "line\n# heading",
        "`code` **bold** _it_",
        "\u202egnp.exe",
        "www.evil.example",
        "<!-- hidden",
    ],
)
def test_untrusted_text_is_inert(hostile):
    shown = escaped(hostile)
    assert not any(sign in shown for sign in ("<", ">", "://", "\n", "\u202e", "www."))
    for sign in "|[]()!#`*_":
        assert all(shown[at - 1] == "\\" or shown[at : at + 2] == "#4" for at, ch in enumerate(shown) if ch == sign)
    row = dataclasses.replace(STAGED, licences={hostile: 77}, author=hostile)
    lines = [line for line in body(row).splitlines() if line.startswith("|") and line.endswith("| 77 |")]
    assert len(lines) == 1 and lines[0].replace("\\|", "").count("|") == 3


@given(st.text(max_size=80))
def test_escaped_text_stays_on_one_line_without_markup(text):
    shown = escaped(text)
    assert "\n" not in shown and "<" not in shown and ">" not in shown and "://" not in shown


def test_card_fingerprint_follows_text_licence_lock_and_settings_but_not_the_number():
    first = card_fingerprint(card(STAGED, "1.2.3"), {"seed": 1})
    assert first == card_fingerprint(card(STAGED, "4.0.0"), {"seed": 1})
    counted = dataclasses.replace(STAGED, licences={"CC-BY-4.0": 12})
    others = [(card(counted, "1.2.3"), {"seed": 1}), (card(STAGED, "1.2.3"), {"seed": 2}), (card(STAGED, "1.2.3"), {"seed": 1}, "judge@1")]
    assert len({first, *(card_fingerprint(*other) for other in others)}) == 4
    assert "1.2.3" not in body(STAGED) and "1.2.3" in card(STAGED, "1.2.3")


def test_public_settings_hold_no_path_and_no_address(tmp_path):
    author = OpenAICompatibleAuthor(model="m", revision="r", base_url="http://localhost:1/v1")
    settings = make_context(tmp_path).settings.model_copy(update={"author": author})
    shown = public_settings(settings.model_dump())
    assert str(tmp_path) not in repr(shown) and "localhost" not in repr(shown)
    assert shown["sources"][0]["name"] == "papers" and "path" not in shown["sources"][0]
    assert shown["author"]["model"] == "m" and shown["author"]["revision"] == "r" and "api_key_env" not in shown["author"]
    assert not {"training", "prices", "workspace"} & set(shown) and {"seed", "passages", "gates", "publish"} < set(shown)
    hurried = settings.model_copy(update={"extract": settings.extract.model_copy(update={"workers": 9})})
    assert public_settings(hurried.model_dump()) == shown


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({}, None),
        ({"card_fingerprint": "x"}, "2.4.8"),
        ({"content_fingerprint": "x"}, "2.5.0"),
        ({"content_fingerprint": "x", "card_fingerprint": "x"}, "2.5.0"),
        ({"schema_fingerprint": "x"}, "3.0.0"),
    ],
)
def test_the_number_says_what_changed(changes, number):
    parent = DatasetVersion("unit", "2.4.7", "", "content", "card", manifest={"schema_fingerprint": "schema", "format": FORMAT})
    now = {"content_fingerprint": "content", "card_fingerprint": "card", "schema_fingerprint": "schema"} | changes
    assert next_version(parent, **now) == number
    assert next_version(None, **now) == "1.0.0"
    older = dataclasses.replace(parent, manifest=parent.manifest | {"format": 0})
    assert next_version(older, **now) == "3.0.0"


def test_the_published_card_shows_the_published_figures(tmp_path):
    folder = published(make_context(tmp_path), small_corpus(8))
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "| spans | error | 16 | 0 |" in text and "Plumbing grade" in text and AUTHOR in text
    assert "<!-- version 1.0.0 -->" in text
