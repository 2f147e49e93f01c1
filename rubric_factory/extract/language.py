"""The language of a text by the share of its function words: enough to tell what an English pipeline should read."""

from collections.abc import Sequence

_FUNCTION_WORDS = {
    "en": "the of and to in is that for it as with be are this by on not or from an which at can have if will was has but its when",
    "de": "der die und das ist nicht ein eine zu den von mit für auf dem des im sich werden auch als wird sind oder bei nach durch",
    "fr": "le la les des et est en un une du que dans pour qui par sur pas avec au sont plus ce être cette aux ou ne se peut",
    "es": "el la los las de y en que un una es por con para del se no como al su más este esta son puede lo entre cuando",
    "it": "il la di che e un una per non in del della con sono le si da dei come più gli nel alla questo anche essere può",
    "pt": "o a os as de e que em um uma para com não por do da dos das no na se mais como ao são este pode ser",
    "nl": "de het een en van is in dat op te voor met niet zijn aan die worden wordt door bij ook als naar kan deze",
}
_TABLES = {code: frozenset(line.split()) for code, line in _FUNCTION_WORDS.items()}
MIN_SHARE = 0.15


def shares(tokens: Sequence[str]) -> dict[str, float]:
    """Share of lower-cased tokens that are function words, per language; all 0 for no tokens."""
    count = max(len(tokens), 1)
    return {code: sum(token in table for token in tokens) / count for code, table in _TABLES.items()}


def language_of(tokens: Sequence[str]) -> str:
    """ISO 639-1 code, or '' where no language of the table stands out (code, numbers, another language)."""
    ranked = sorted(shares(tokens).items(), key=lambda item: -item[1])
    (code, best), (_, second) = ranked[0], ranked[1]
    return code if best >= MIN_SHARE and best > 1.25 * second else ""


def is_function_word(token: str, language: str) -> bool:
    """Whether a lower-cased token is a function word of the language (of any, if the language is unknown)."""
    if language in _TABLES:
        return token in _TABLES[language]
    return any(token in table for table in _TABLES.values())
