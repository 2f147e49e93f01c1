"""Hostile HTML and text, in this process: what each comes to. That limits hold in a worker is tested with all hostile inputs."""

import pytest
from hostile_html import CASES, KEPT

from rubric_factory.extract import html, plain
from rubric_factory.extract.kind import Kind, kind_of
from rubric_factory.extract.result import Refused
from rubric_factory.text import clean

PARSERS = {Kind.HTML: html.extract, Kind.TEXT: plain.extract}


@pytest.mark.parametrize("name", CASES)
def test_outcome(name):
    data, outcome = CASES[name]
    try:
        found = PARSERS[kind_of(data)](data)
    except Refused as refusal:
        assert refusal.reason == outcome
        return
    assert outcome == KEPT
    assert "pressure in the tank exceeds the limit" in found.text and "SECRET" not in found.text
    assert clean(found.text) == (found.text, 0)
    assert all(found.text.startswith(section.title, section.start) for section in found.sections)
