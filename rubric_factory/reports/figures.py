"""What the tasks of a version look like in numbers: one pass over the rows, nothing of their text is kept."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rubric_factory.dataset_files import Row, iter_rows
from rubric_factory.records import Category
from rubric_factory.reports import plots
from rubric_factory.reports.visible import Markup
from rubric_factory.tables import QUALITY, SPLITS
from rubric_factory.text import words

Figure = tuple[str, Markup]
_SCORES = tuple(QUALITY.field(index).name for index in range(QUALITY.num_fields))


@dataclass
class Figures:
    """Counts and lengths. Lengths are words (lower-cased word tokens, as in every overlap rule); shares lie in 0 .. 1."""

    types: Counter[str] = field(default_factory=Counter)
    genres: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    licence_documents: dict[str, set[str]] = field(default_factory=dict)
    documents: Counter[str] = field(default_factory=Counter)
    question_words: list[int] = field(default_factory=list)
    reference_words: list[int] = field(default_factory=list)
    passage_words: list[int] = field(default_factory=list)
    criteria: list[int] = field(default_factory=list)
    absence_shares: list[float] = field(default_factory=list)
    weights: Counter[tuple[str, int]] = field(default_factory=Counter)
    scores: dict[str, list[float]] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Count one row of `tasks`."""
        self.types[row["question_type"]] += 1
        self.genres[row["genre"] or "not known"] += 1
        self.licences[row["licence"]] += 1
        self.licence_documents.setdefault(row["licence"], set()).add(row["document_key"])
        self.documents[row["document_key"]] += 1
        self.question_words.append(len(words(row["question"])))
        self.reference_words.append(len(words(row["reference_answer"])))
        weights = [criterion["weight"] for criterion in row["rubric"]]
        self.criteria.append(len(weights))
        self.absence_shares.append(sum(-w for w in weights if w < 0) / max(sum(map(abs, weights)), 1))
        self.weights.update((criterion["category"], criterion["weight"]) for criterion in row["rubric"])
        for name in _SCORES:
            score = (row["quality"] or {}).get(name)
            if score is not None:
                self.scores.setdefault(name, []).append(score)

    @property
    def weight_table(self) -> tuple[list[int], list[tuple[str, list[int]]]]:
        """Weights that occur, ascending, and per category how many criteria carry each."""
        columns = sorted({weight for _, weight in self.weights})
        return columns, [(str(category), [self.weights[str(category), weight] for weight in columns]) for category in Category]

    def plots(self) -> Iterator[Figure]:
        """(caption, plot) of every distribution that has values."""
        if not self.criteria:
            return
        yield "Question types", plots.bars("Tasks by question type", self.types, x="tasks (number)")
        yield "Genres", plots.bars("Tasks by genre of the document", self.genres, x="tasks (number)")
        for caption, values, x, y in (
            ("Question length", self.question_words, "question (words)", "tasks (number)"),
            ("Reference answer length", self.reference_words, "reference answer (words)", "tasks (number)"),
            ("Passage length", self.passage_words, "passage (words)", "passages (number)"),
            ("Rubric size", self.criteria, "criteria per rubric (number)", "tasks (number)"),
            ("Tasks per document", list(self.documents.values()), "tasks per document (number)", "documents (number)"),
        ):
            if values:
                yield caption, plots.histogram(caption, values, x=x, y=y)
        shares = {"x": "share of the absolute weight on pitfalls (0 to 1)", "y": "tasks (number)"}
        yield "Weight on absence", plots.histogram("Share of weight on pitfalls", self.absence_shares, span=(0.0, 1.0), **shares)
        for name, scores in self.scores.items():
            title = name.replace("_", " ").capitalize()
            span = (min(0.0, *scores), max(1.0, *scores))  # rewards may be negative
            axes = {"x": f"{name.replace('_', ' ')} (reward)", "y": "tasks (number)"}
            yield f"{title} by the judge", plots.histogram(title, scores, span=span, **axes)


def collect(folder: Path) -> Figures:
    """Figures of every split of a folder. Errors: DatasetError."""
    found = Figures()
    for split in SPLITS:
        for row in iter_rows(folder, "tasks", split):
            found.add(row)
        found.passage_words += [len(words(row["text"])) for row in iter_rows(folder, "grounding", split)]
    return found
