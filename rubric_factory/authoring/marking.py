"""Datamarking (Spotlighting, arXiv 2403.14720): every blank of the passage becomes a rare sign, so that it reads as material."""

from typing import Any

from rubric_factory.records import Passage, content_id

# Rare, one token or two, and neither white space nor punctuation that a passage is likely to hold.
SIGNS = "ˆ˜¬¦‡†◊∎⁂※"


def sign(passage: Passage, seed: int) -> str:
    """The sign of a passage: drawn by its hash among those it does not hold; the first of all where it holds every one."""
    free = [one for one in SIGNS if one not in passage.text] or [SIGNS[0]]
    return free[int(content_id("sign", seed, passage.passage_id)[:8], 16) % len(free)]


def blanked(text: str, passage: Passage, seed: int) -> str:
    """A text with every blank and tab as the sign of a passage."""
    one = sign(passage, seed)
    return text.replace(" ", one).replace("\t", one)


def marked(passage: Passage, seed: int, where: str = "the passage") -> tuple[str, str]:
    """(text with every blank and tab as the sign, the sentence that says so). where: what is written like that."""
    one = sign(passage, seed)
    return blanked(passage.text, passage, seed), f" In {where} every blank is written as {one}; write blanks in your quotes."


def unmarked(value: Any, passage: Passage, seed: int) -> Any:
    """A text, or every text of a JSON value, with the sign as blanks again. After parsing: JSON may hold the sign escaped."""
    if isinstance(value, str):
        return value.replace(sign(passage, seed), " ")
    if isinstance(value, list):
        return [unmarked(one, passage, seed) for one in value]
    return {key: unmarked(one, passage, seed) for key, one in value.items()} if isinstance(value, dict) else value
