"""Passages of documents in other languages are refused as such, whatever else is true of them."""

import pytest

from rubric_factory.passages.measures import measured
from rubric_factory.records import Document
from rubric_factory.settings.passages import PassageSettings

TEXT = "The valve is closed when the pressure in the tank exceeds the limit that the operator has set, and the pump stops. " * 5


def reasons(language: str, text: str = TEXT, **settings: object) -> set[str]:
    document = Document("0" * 64, "s/a", "s", "a", "text/plain", len(text), text, language=language)
    return {row.quality.reason for row in measured(document, PassageSettings(**settings))}


@pytest.mark.parametrize("language", ["en", ""])
def test_english_and_what_is_not_known_passes(language):
    assert "other_language" not in reasons(language)


def test_another_language_is_refused_and_says_which():
    document = Document("0" * 64, "s/a", "s", "a", "text/plain", len(TEXT), TEXT, language="fr")
    (row, *_) = measured(document, PassageSettings())
    assert (row.quality.reason, row.quality.detail) == ("other_language", "its document is in 'fr'; asked for: en")
    assert reasons("fr", "Too short.") == {"other_language"}


def test_languages_are_what_the_configuration_names():
    assert "other_language" not in reasons("fr", languages=("en", "fr"))
    assert "other_language" not in reasons("fr", languages=())
    assert reasons("en", languages=("de",)) == {"other_language"}
