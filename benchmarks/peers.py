"""Our aggregations beside peers' own code on the fixed verdict table: an environment of its own, the base install and the peers in it.

    python -m venv V && V/bin/pip install . autorubric rubric && V/bin/python benchmarks/peers.py

`rubric` (PerCriterionOneShotGrader.aggregate) and `autorubric` (Rubric.compute_score) publish one formula: points of what is met over
all positive points, clipped to [0, 1] when normalised. That is `healthbench` here; with levels as options of a value s / s_max,
autorubric's is `canonical`. Prints a row a comparison; exit code 1 on any difference above 1e-9.
"""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # autorubric imports litellm, which would ask the network for prices

from autorubric import Criterion, CriterionOption, CriterionVerdict, Rubric
from rubric.autograders import PerCriterionOneShotGrader
from rubric.types import CriterionReport

from rubric_factory.records import Category
from rubric_factory.reward import AGGREGATIONS, Grades, clipped

TABLE = json.loads((Path(__file__).parent.parent / "tests" / "data" / "verdict_table.json").read_text())


def by_rubric(weights: Sequence[int], met: Sequence[int]) -> tuple[float, float]:
    """Score and raw points by `rubric`."""
    reports = [CriterionReport(weight=w, requirement=f"c{i}", verdict="MET" if m else "UNMET", reason="") for i, (w, m) in
               enumerate(zip(weights, met, strict=True))]  # fmt: skip
    grader = PerCriterionOneShotGrader.__new__(PerCriterionOneShotGrader)
    found = asyncio.run(grader.aggregate(reports, normalize=True))
    return found.score, found.raw_score


def by_autorubric(weights: Sequence[int], met: Sequence[int]) -> tuple[float, float]:
    """Score and raw points by `autorubric`, met and unmet."""
    rubric = Rubric([Criterion(name=f"c{i}", requirement=f"c{i}", weight=w) for i, w in enumerate(weights)])
    verdicts = [CriterionVerdict.MET if m else CriterionVerdict.UNMET for m in met]
    return rubric.compute_score(verdicts), rubric.compute_score(verdicts, normalize=False)


def by_autorubric_levels(weights: Sequence[int], levels: Sequence[int], maxima: Sequence[int]) -> tuple[float, float]:
    """Score and raw points by `autorubric`, levels as options."""
    criteria = [
        Criterion(
            name=f"c{i}", requirement=f"c{i}", weight=w,
            options=[CriterionOption(label=f"level {s}", value=s / top) for s in range(top + 1)],
        )
        for i, (w, top) in enumerate(zip(weights, maxima, strict=True))
    ]  # fmt: skip
    rubric, labels = Rubric(criteria), [f"level {s}" for s in levels]
    return rubric.compute_score(labels), rubric.compute_score(labels, normalize=False)


def main() -> int:
    worst: dict[str, tuple[int, float]] = {}

    def compare(name: str, peer: tuple[float, float], ours: float, positive: float) -> None:
        count, error = worst.get(name, (0, 0.0))
        worst[name] = (count + 1, max(error, abs(peer[0] - clipped(ours)), abs(peer[1] - ours * positive)))

    for row in TABLE:
        weights, categories = row["weights"], [Category(c) for c in row["categories"]]
        positive = sum(w for w in weights if w > 0)
        for met in product((0, 1), repeat=len(weights)):
            ours = AGGREGATIONS["healthbench"](Grades.of(weights, met, [1] * len(weights), categories))
            compare("rubric, met and unmet: healthbench", by_rubric(weights, met), ours, positive)
            compare("autorubric, met and unmet: healthbench", by_autorubric(weights, met), ours, positive)
        for levels in product(*(range(top + 1) for top in row["maxima"])):
            ours = AGGREGATIONS["canonical"](Grades.of(weights, levels, row["maxima"], categories))
            compare("autorubric, levels: canonical", by_autorubric_levels(weights, levels, row["maxima"]), ours, positive)
    for name, (count, error) in worst.items():
        print(f"{name:<42} {count:>4} verdict vectors, largest difference {error:.1e}")
    return int(any(error > 1e-9 for _, error in worst.values()))


if __name__ == "__main__":
    sys.exit(main())
