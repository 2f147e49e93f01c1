"""What figures leave in the text of a page: runs of axis numbers, node labels and plot symbols, each a scrap of its own."""

import re
from collections.abc import Sequence

_WORD = re.compile(r"[^\W\d_]{4,}")
_ITEM = re.compile(r"[•◦▪‣⁃∙·*–-]\s+\S|\(?\w{1,4}[.)]\s+\S")
_RELATION = re.compile("[=<>≤≥≠≈≡∼∝∈⊂⊆→⇒↔⇔:]")
_SENTENCE_END = re.compile(r"[^\W\d_]{3,}[.!?]$")
MAX_SCRAP = 30  # characters of the longest line of a scrap
MEAN_SCRAP = 12  # characters of the mean line of a run: rows of a table are longer
MIN_RUN = 6


def is_scrap(lines: Sequence[str]) -> bool:
    """Whether a block could be labels of a figure: short lines, hardly a word, no sentence, no item of a list."""
    words = 0
    if lines and _ITEM.match(lines[0]):
        return False
    for line in lines:
        if len(line) > MAX_SCRAP or _SENTENCE_END.search(line):
            return False
        words += len(_WORD.findall(line))
    return words <= len(lines)


def label_runs(blocks: Sequence[Sequence[str] | None]) -> set[int]:
    """Indices of blocks (their lines; None: a heading or code, never a label) that stand in a run of scraps."""
    found: set[int] = set()
    run: list[int] = []
    for index, lines in enumerate((*blocks, None)):
        if lines is not None and is_scrap(lines):
            run.append(index)
            continue
        texts = [line for number in run for line in blocks[number] or ()]
        formula = any(_RELATION.search(line) for line in texts)  # a display that the parser took apart: poor, yet not nothing
        if len(run) >= MIN_RUN and not formula and sum(map(len, texts)) < MEAN_SCRAP * len(texts):
            found.update(run)
        run = []
    return found
