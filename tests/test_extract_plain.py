"""Plain text, Markdown and reStructuredText: headings found, code whole, pages mended, nothing that a reader does not see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.extract import plain
from rubric_factory.extract.facts import iso_date, licence_of
from rubric_factory.extract.pages import without_pages
from rubric_factory.extract.rest import is_rest

REST = """\
.. SPDX-License-Identifier: GPL-2.0
.. _pump:

===========
The Pump
===========

The :ref:`pump <pump>` runs with ``--fast`` and :class:`~house.pumps.Motor`, see `the manual <https://x.example>`_ [1]_ and |SI| units.

Wiring
------

First::

    red = 1

    blue = 2

Then go on:

.. code-block:: python
   :linenos:

   def go():

       return 1

.. note:: Mind the gap.

   It is wide.

.. math::

   a = b^2

.. a comment that
   nobody sees

.. toctree::
   :maxdepth: 1

   other

Modes
~~~~~

=====  ======
Mode   Litres
=====  ======
slow   1
fast   2 and
       more
=====  ======

+------+-----+
| a    | b   |
+======+=====+
| 1    | 2   |
+------+-----+

.. [1] The source.
"""


def test_rest():
    found = plain.extract(REST.encode())
    assert found.extractor == "rest" and found.title == "The Pump"
    assert [(s.level, s.title) for s in found.sections] == [(1, "The Pump"), (2, "Wiring"), (3, "Modes")]
    assert all(found.text.startswith(section.title, section.start) for section in found.sections)
    assert found.text.split("\n\nWiring")[0].endswith("The pump runs with --fast and Motor, see the manual [1] and SI units.")
    assert "First:\n\n```\nred = 1\n\nblue = 2\n```\n\nThen go on:\n\n```\ndef go():\n\n    return 1\n```" in found.text
    assert "Mind the gap.\n\nIt is wide.\n\n$$a = b^2$$" in found.text
    assert "| Mode | Litres |\n| --- | --- |\n| slow | 1 |\n| fast | 2 and more |" in found.text
    assert "| a | b |\n| --- | --- |\n| 1 | 2 |\n\n[1] The source." in found.text
    assert not any(word in found.text for word in ("SPDX", "nobody", "toctree", "other", "_pump", "linenos"))
    assert found.removed_characters == len("SPDX-License-Identifier: GPL-2.0") + len("a comment that nobody sees")


@pytest.mark.parametrize(
    "text",
    [
        "# Title\n\nUse `x` and\n\n```\n.. note:: x\n```\n",
        "Words only.\n\nMore words.",
        "Title\n=====\n\nText with nothing else.",
        "a | b\n::\n",
        "",
    ],
)
def test_other_texts_are_not_rest(text):
    assert not is_rest(text)


def test_markdown_headings_become_sections_and_code_does_not():
    found = plain.extract(b"# Top #\n\nText\nmore.\n\nSub\n---\n\n```\n# no heading\n\n\n# none either\n```\n\n## Deep ##\nBody.")
    assert [(s.level, s.title) for s in found.sections] == [(1, "Top"), (2, "Sub"), (2, "Deep")]
    assert found.title == "Top"
    assert "Text\nmore." in found.text and "```\n# no heading\n\n\n# none either\n```" in found.text


def test_front_matter_and_comments_of_markdown():
    head = "---\ntitle: 'The Pump'\nauthor: A. One\ndate: 3 May 2021\nlicense: CC-BY-4.0\n---\n"
    found = plain.extract((head + "# Start\n\nText <!-- SECRET\nline --> goes on.").encode())
    assert (found.title, found.authors, found.date, found.licence) == ("The Pump", "A. One", "2021-05-03", "CC-BY-4.0")
    assert found.text == "Start\n\nText  goes on." and found.removed_characters == len("<!-- SECRET\nline -->")


@pytest.mark.parametrize("mark", ["```", "~~~", "````"])
def test_an_unclosed_fence_is_text(mark):
    found = plain.extract(f"one\n\n{mark}x\ntwo\n\n# Three\n\nfour".encode())
    assert found.text.endswith("four") and [section.title for section in found.sections] == ["Three"]


def rfc() -> str:
    """Five pages as an RFC has them."""
    pages = []
    for number in range(1, 6):
        head = "" if number == 1 else "RFC 9999                  The Pump Protocol                 March 2020\n\n\n"
        text = f"{number}.  Section {'ABCDE'[number - 1]}\n\n   Text of page {number} that runs over the\n   edge of the page and"
        pages.append(f"{head}{text}\n\n\n\nOne                          Informational                     [Page {number}]\n")
    return "\f\n".join(pages).replace("page and\n\n\n\nOne", "page and is\n\n\n\nOne", 1)


def test_pages_of_an_rfc_are_mended_and_its_headings_found():
    found = plain.extract(rfc().encode())
    assert "RFC 9999" not in found.text and "[Page" not in found.text.replace("[Page 5]", "")
    assert [section.title for section in found.sections] == [f"{n}. Section {'ABCDE'[n - 1]}" for n in range(1, 6)]
    assert found.removed_characters > 400


def test_a_paragraph_behind_a_page_break_is_made_whole():
    text, removed = without_pages("The pump\n\n3\n\fruns on.\n\n4\n\fEnd.")
    assert text == "The pump\nruns on.\n\nEnd." and removed == 2


@given(st.lists(st.text("ab \n", min_size=1), max_size=2))
def test_text_without_pages_is_left_alone(parts):
    text = "".join(parts)
    assert without_pages(text) == (text, 0)


@pytest.mark.parametrize(
    ("lines", "titles"),
    [
        (["1. Pumps", "text", "1.1 Small", "text", "1.2 Large", "text", "2. Valves"], ["1. Pumps", "1.1 Small", "1.2 Large", "2. Valves"]),
        (["1. Pumps", "text", "2. Valves", "text"], []),
        (["1. Open the valve.", "2. Close it.", "3. Go home."], []),
        (["1999 Was a good year", "2. Nothing", "7. Later"], []),
        (["1. Pumps ....... 3", "2. Valves ...... 4", "3. Tanks ....... 5"], []),
        (["NAME", "   pump - runs", "SYNOPSIS", "   pump [-f]", "OPTIONS", "   -f fast"], ["NAME", "SYNOPSIS", "OPTIONS"]),
        (["NAME", "pump", "SYNOPSIS", "   pump [-f]"], []),
    ],
)
def test_headings_of_plain_text_only_where_safe(lines, titles):
    assert [section.title for section in plain.extract("\n\n".join(lines).encode()).sections] == titles


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"])
def test_encodings_and_line_ends(encoding):
    assert plain.extract("Käse über alles\r\nund mehr\r\rEnde".encode(encoding)).text == "Käse über alles\nund mehr\n\nEnde"


@given(st.text(max_size=300))
def test_any_text_keeps_its_sections_in_place(text):
    found = plain.extract(text.encode("utf-8", "replace"))
    assert all(found.text.startswith(section.title, section.start) for section in found.sections)


REST_LINE = st.sampled_from(
    [
        "",
        "word",
        "    deep",
        "..",
        ".. note::",
        ".. x",
        "===",
        "=====",
        "---",
        "== ==",
        "+--+",
        "| a |",
        "a::",
        "::",
        "\\",
        "``x",
        ":r:`y`",
        "- i",
    ]
)


@given(st.lists(REST_LINE, max_size=30))
def test_any_rest_ends_and_keeps_its_sections(lines):
    text = "====\nPump\n====\n\n" + "\n".join(lines) + "\n\nthe end"
    found = plain.extract(text.encode())
    assert found.text.endswith("the end") and all(found.text.startswith(section.title, section.start) for section in found.sections)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2021", "2021"),
        ("2021-05-30T10:00:00Z", "2021-05-30"),
        ("D:20190703120000+02'00'", "2019-07-03"),
        ("May 3rd, 2018", "2018-05-03"),
        ("3 September 1999", "1999-09-03"),
        ("June 2020", "2020-06"),
        ("revised 2011/7", "2011-07"),
        ("version 3.2", ""),
        ("20210530123", ""),
        ("", ""),
    ],
)
def test_dates(text, date):
    assert iso_date(text) == date


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("https://creativecommons.org/licenses/by-nc-nd/4.0/legalcode", "CC-BY-NC-ND-4.0"),
        ("CC BY-SA 3.0", "CC-BY-SA-3.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("https://opensource.org/licenses/MIT", "MIT"),
        ("GPL", ""),
        ("All rights reserved", ""),
        ("commits", ""),
    ],
)
def test_licences(text, licence):
    assert licence_of(text) == licence
