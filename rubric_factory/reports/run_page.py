"""The page of a training run: curves, arms with their intervals, credit by category, outliers. One HTML file, from the run folder."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rubric_factory.errors import DatasetError
from rubric_factory.reports import plots
from rubric_factory.reports.page import render
from rubric_factory.reports.run_source import Run, read_run, series
from rubric_factory.reports.visible import Markup

CONTENTS = (
    ("arms", "Arms"),
    ("curves", "Curves"),
    ("categories", "Credit by category"),
    ("outliers", "Outliers"),
    ("settings", "Settings"),
)
POINTS = 300
# Metric of a GRPO step: caption, axis label with unit, lowest start of the axis.
_CURVES: dict[str, tuple[str, str, float | None]] = {
    "reward": ("Reward", "mean reward of a step", None),
    "reward_std": ("Spread within groups", "standard deviation of the reward", 0.0),
    "loss": ("Loss", "loss", None),
    "completions/mean_length": ("Response length", "response (tokens)", 0.0),
    "ungraded_share": ("Rollouts without a grade", "share of rollouts (0 to 1)", 0.0),
    "frac_reward_zero_std": ("Groups that teach nothing", "share of groups with equal rewards", 0.0),
    "entropy": ("Entropy", "entropy (nats a token)", 0.0),
    "kl": ("Distance from the base policy", "KL divergence (nats a token)", 0.0),
    "judge_seconds": ("Time of the judge", "seconds a step", 0.0),
}
Points = Sequence[tuple[float, float]]


def thinned(points: Points, limit: int = POINTS) -> list[tuple[float, float]]:
    """At most `limit` points: means of equal stretches, so that a long run stays legible."""
    size = -(-len(points) // limit) or 1
    parts = [points[start : start + size] for start in range(0, len(points), size)]
    return [(sum(x for x, _ in part) / len(part), sum(y for _, y in part) / len(part)) for part in parts]


def _curves(run: Run) -> Iterator[tuple[str, Markup]]:
    steps = run.metrics.get("grpo", [])
    for key, (caption, label, floor) in _CURVES.items():
        points = thinned(series(steps, key))
        if points:
            yield caption, plots.curves(caption, {label: points}, x="GRPO step", y=label, floor=floor)
    words = [(float(step), total / count) for step, (total, count) in sorted(run.rollouts.words.items())]
    if words:
        yield "Words of a response", plots.curves("Words", {"words": thinned(words)}, x="GRPO step", y="response (words)", floor=0.0)
    shares = {}
    for category in run.by_step.categories():
        means = ((float(step), run.by_step.mean(category, step)) for step in run.by_step.groups())
        shares[category] = thinned([(step, mean) for step, mean in means if mean is not None])
    if shares:
        title = "Credit by category"
        yield title, plots.curves(title, shares, x="GRPO step", y="share of full credit (0 to 1)", floor=0.0)
    for phase, rows in run.metrics.items():
        points = thinned(series(rows, "loss"))
        if phase != "grpo" and points:
            caption = f"{phase.capitalize()} of the base policy"
            yield caption, plots.curves(caption, {"loss": points}, x="step", y="loss (nats a token)")


def _arm_rows(found: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, float, float, float]]:
    rows = [(arm, row["mean"], row["ci95_low"], row["ci95_high"]) for arm, row in found.items() if row["mean"] is not None]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _arms(run: Run) -> Iterator[tuple[str, Markup]]:
    for key, caption in (("heldout_reward", "Held-out tasks"), ("rl_train_reward", "RL's own tasks")):
        rows = _arm_rows(run.summary.get(key, {}))
        if rows:
            yield caption, plots.intervals(caption, rows, x="mean reward, 95 % interval")


def differences(summary: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any], str]]:
    """(name, interval, sentence) of every '<arm>_minus_<other>' of a summary."""
    found: list[tuple[str, Mapping[str, Any], str]] = []
    for key, row in sorted(summary.items()):
        if "_minus_" in key and isinstance(row, dict) and row.get("mean") is not None:
            low, high = row["ci95_low"], row["ci95_high"]
            sentence = "above zero" if low > 0 else "below zero" if high < 0 else "no difference shown: the interval holds zero"
            found.append((key.replace("_minus_", " − "), row, sentence))
    return found


def headline(summary: Mapping[str, Any]) -> tuple[str, str]:
    """(kind, sentence) on what the run shows: 'good' only where the interval over base and over the constant answer excludes zero."""
    found = differences(summary)
    if not summary:
        return "none", "Not finished: there is no summary yet."
    if not found:
        return "none", "Finished; it compares nothing with the base policy."
    if all(sentence == "above zero" for _, _, sentence in found):
        return "good", "Held-out reward is above every arm it is compared with. One run and one seed: several are needed for a claim."
    if any(sentence == "below zero" for _, _, sentence in found):
        return "bad", "Held-out reward is below an arm it is compared with."
    return "none", "No gain on held-out tasks is shown: an interval holds zero."


def _settings(spec: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Scalars of run.json, 'section.key' -> value; no paths."""
    found: list[tuple[str, Any]] = []
    for section in ("training", "judge"):
        for key, value in sorted((spec.get(section) or {}).items()):
            inner = sorted(value.items()) if isinstance(value, dict) else [("", value)]
            named = ((f"{section}.{key}{'.' if name else ''}{name}", each) for name, each in inner)
            found += [
                (name, each)
                for name, each in named
                if isinstance(each, str | int | float) and not name.endswith(("python", "_env", "_url"))
            ]
    return found


def _values(run: Run) -> dict[str, Any]:
    kind, sentence = headline(run.summary)
    return {
        "contents": CONTENTS,
        "run": run,
        "spec": run.spec,
        "verdict": kind,
        "sentence": sentence,
        "differences": differences(run.summary),
        "arms": list(_arms(run)),
        "tables": [
            (caption, sorted(run.summary[key].items(), key=lambda item: (-(item[1]["mean"] or 0), item[0])))
            for key, caption in (("heldout_reward", "Held-out tasks"), ("rl_train_reward", "RL's own tasks"))
            if run.summary.get(key)
        ],
        "curves": list(_curves(run)),
        "shares": run.by_arm,
        "dead": run.dead,
        "outcomes": sorted(run.rollouts.outcomes.items(), key=lambda item: (-item[1], item[0])),
        "outliers": [("Highest reward", run.rollouts.best), ("Longest", run.rollouts.longest)],
        "settings": _settings(run.spec),
        "rollouts": run.rollouts.outcomes.total(),
        "steps": len(run.metrics.get("grpo", [])),
    }


def run_page(folder: Path) -> str:
    """HTML of a run folder, finished or not; the same folder gives the same bytes. Errors: DatasetError, MissingExtraError."""
    run = read_run(folder)
    try:
        return render("run.html", _values(run))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(
            f"{folder} cannot be shown: {type(error).__name__} {error}", expected="a run folder as training wrote it", fix="train again"
        ) from error
