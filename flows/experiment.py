"""`make experiment`: every arm on several seeds, by (experiment, variant, seed), each resumable and skipped when complete.

demo: does GRPO on some documents' tasks move the reward on others' (variants tuned and permuted). behaviour-control: the positive control
of the trainer (variants tuned and shuffled). The evaluation table of each run is copied to docs/experiments/ as it finishes; the figures
are recomputed from those tables alone.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import pyarrow.parquet as pq

from flows.pipeline import run_stage
from flows.runspec import make_ready, run_spec
from flows.trainer import train
from rubric_factory.dataset_version import latest
from rubric_factory.errors import DatasetError, FactoryError, UsageError
from rubric_factory.evaluation import arm_means, paired_difference
from rubric_factory.progress import Progress
from rubric_factory.runs import Variant
from rubric_factory.settings import load_settings
from rubric_factory.stages import STAGES, Context
from rubric_factory.workspace import Workspace, atomic_path, write_text

BOOTSTRAP_SEED = 0


@dataclass(frozen=True)
class Experiment:
    """name is also that of its configuration; pairs are the differences that it reports."""

    name: str
    variants: tuple[Variant, ...]
    pairs: tuple[tuple[str, str], ...]


EXPERIMENTS = (
    Experiment(
        "behaviour-control", ("tuned", "shuffled"), (("tuned", "base"), ("tuned", "shuffled"), ("tuned", "constant"), ("tuned", "length"))
    ),
    Experiment("demo", ("tuned", "permuted"), (("tuned", "base"), ("tuned", "permuted"), ("tuned", "constant"), ("tuned", "length"))),
)


def context_of(experiment: Experiment, out: Path) -> Context:
    """Settings from configs/<name>.toml, a workspace under out; one folder of policies, so that a seed reads once for both experiments."""
    place = Workspace(out / experiment.name)
    config = Path(str(files("configs").joinpath(f"{experiment.name}.toml")))
    return Context(load_settings(config, {"workspace": place.root}), place, Progress(place.progress))


def ready(context: Context) -> Path:
    """The experiment's version, published if it is not there yet; its folder."""
    if latest(context.workspace.datasets, context.settings.name) is None:
        with context.workspace.writing():
            for stage in STAGES:
                run_stage(stage, context)
    found = latest(context.workspace.datasets, context.settings.name)
    if found is None:
        raise DatasetError(f"no version of {context.settings.name} was published", fix="run the stages one by one and see why")
    return Path(found.path)


def run_one(experiment: Experiment, context: Context, version: Path, variant: Variant, seed: int, out: Path, results: Path) -> None:
    """Train and evaluate one (experiment, variant, seed) and keep its evaluation table; nothing to do if that is there."""
    kept = results / experiment.name / f"{variant}-seed{seed}.parquet"
    if kept.exists():
        return
    sys.stderr.write(f"{experiment.name} {variant} seed {seed}\n")
    spec = run_spec(context.settings, context.workspace, version, seed=seed, variant=variant)
    spec = spec.model_copy(update={"policies": (out / "policies").resolve()})
    runs = context.workspace.runs
    folder = train(make_ready(spec, context.settings, runs), runs, context.progress)
    for name, target in (("evaluation", kept), ("rl_tasks", kept.with_name(f"{kept.stem}-rl-tasks.parquet"))):
        with atomic_path(target) as part:
            shutil.copyfile(folder / f"{name}.parquet", part)


def _rows(folder: Path, suffix: str) -> list[dict[str, Any]]:
    """Rows of all kept tables; base, constant, echo and length come from the tuned runs, so that no row counts twice."""
    rows: list[dict[str, Any]] = []
    for path in sorted(folder.glob(f"*{suffix}.parquet")):
        if not suffix and path.stem.endswith("-rl-tasks"):
            continue
        variant = path.stem.partition("-seed")[0]
        rows += [row for row in pq.read_table(path).to_pylist() if variant == "tuned" or row["arm"] == variant]
    return rows


def report(experiment: Experiment, results: Path) -> dict[str, Any]:
    """Means and differences with intervals over documents and seeds, recomputed from the kept tables; also written beside them."""
    folder = results / experiment.name
    held_out, own = _rows(folder, ""), _rows(folder, "-rl-tasks")
    row = {
        "experiment": experiment.name,
        "seeds": sorted({r["seed"] for r in held_out}),
        "heldout_reward": arm_means(held_out, BOOTSTRAP_SEED),
        "rl_train_reward": arm_means(own, BOOTSTRAP_SEED),
        "differences": {f"{a} - {b}": paired_difference(held_out, a, b, BOOTSTRAP_SEED) for a, b in experiment.pairs},
        "rl_train_differences": {"tuned - base": paired_difference(own, "tuned", "base", BOOTSTRAP_SEED)},
    }
    write_text(folder / "summary.json", json.dumps(row, indent=2) + "\n")
    return row


def table(row: dict[str, Any]) -> str:
    """The report as Markdown tables."""
    lines = [f"### {row['experiment']}, seeds {', '.join(map(str, row['seeds']))}"]
    for title, means, differences in (
        ("held out", row["heldout_reward"], row["differences"]),
        ("RL's own tasks", row["rl_train_reward"], row["rl_train_differences"]),
    ):
        lines += ["", f"| {title} | mean | 95 % interval | n |", "|---|---|---|---|"]
        for name, found in [*means.items(), *differences.items()]:
            interval = (
                "no pairs |" if found["mean"] is None else f"{found['mean']:.3f} | [{found['ci95_low']:.3f}, {found['ci95_high']:.3f}]"
            )
            lines.append(f"| {name} | {interval} | {found['n']} |")
    return "\n".join(lines)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m flows.experiment", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("experiment-run"), help="folder of workspaces, runs and policies")
    parser.add_argument("--results", type=Path, default=Path("docs/experiments"), help="folder of the kept tables")
    parser.add_argument("--seeds", default="1 2 3 4 5", help="seeds, blank-separated")
    parser.add_argument("--arms", default=" ".join(get_args(Variant)), help="variants, blank-separated")
    parser.add_argument("--only", choices=[e.name for e in EXPERIMENTS], help="one experiment alone")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Run what is missing, seed by seed, then print the tables. Exit code of the first error."""
    chosen = _arguments(words)
    try:
        if not set(chosen.arms.split()) <= set(get_args(Variant)):
            raise UsageError(f"unknown arms {chosen.arms!r}", expected=f"some of {', '.join(get_args(Variant))}")
        experiments = [e for e in EXPERIMENTS if chosen.only in (None, e.name)]
        places = {e.name: context_of(e, chosen.out) for e in experiments}
        versions = {e.name: ready(places[e.name]) for e in experiments}
        for seed in (int(word) for word in chosen.seeds.split()):
            for experiment in experiments:
                for variant in experiment.variants:
                    if variant in chosen.arms.split():
                        run_one(experiment, places[experiment.name], versions[experiment.name], variant, seed, chosen.out, chosen.results)
        for experiment in experiments:
            sys.stdout.write(table(report(experiment, chosen.results)) + "\n\n")
    except FactoryError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("stopped; what was finished is kept; run the same command again to continue\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
