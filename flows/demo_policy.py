"""The demo's second half: a small policy made on the spot, trained on the version and evaluated on documents that RL never saw."""

import importlib.util
import json
from pathlib import Path
from typing import Any

from flows.runspec import make_ready, run_spec
from flows.trainer import train
from rubric_factory.stages import Context

NEEDED = ("torch", "trl", "transformers")


def can_train(context: Context) -> bool:
    """Whether the configuration asks for training, and this interpreter or the named one can."""
    training = context.settings.training
    return training is not None and (training.python is not None or all(importlib.util.find_spec(name) for name in NEEDED))


def train_policy(context: Context, version: Path) -> Path:
    """Train and evaluate on the version (nothing to do if that run is finished); the run folder. Errors: FactoryError of the process."""
    spec = run_spec(context.settings, context.workspace, version)
    runs = context.workspace.runs
    return train(make_ready(spec, context.settings, runs), runs, context.progress)


def figures(run: Path) -> dict[str, Any]:
    """What summary.json says of the run: rewards by arm with intervals, and the differences that count."""
    found = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    return {
        "heldout_reward": found["heldout_reward"],
        "rl_train_reward": found["rl_train_reward"],
        "tuned_minus_base": found["tuned_minus_base"],
        "tuned_minus_constant": found["tuned_minus_constant"],
        "run_path": str(run),
    }


def shown(found: dict[str, Any]) -> str:
    """'0.012 [0.000, 0.031]'."""
    if found["mean"] is None:
        return "no grade"
    return f"{found['mean']:.3f} [{found['ci95_low']:.3f}, {found['ci95_high']:.3f}]"


def rows(row: dict[str, Any], configured: bool) -> list[tuple[str, str]]:
    """Lines of the closing table; what the figures are, and what they are not. configured: whether a policy was asked for."""
    if not configured:
        return [("policy", "none: this configuration has no [training]")]
    if row["run_path"] is None:
        return [("policy", "not trained: the extra [train] is not installed here (pip install -e '.[train]' in the checkout)")]
    own, held_out = row["rl_train_reward"], row["heldout_reward"]
    return [
        ("policy", "1.7 M parameters made on the spot; one seed; it shows that the loop runs, not that a small model learns facts"),
        ("RL's own tasks", f"base {shown(own['base'])}, tuned {shown(own['tuned'])}"),
        (
            "held out",
            ", ".join(f"{arm} {shown(held_out[arm])}" for arm in ("base", "tuned", "constant", "echo", "length") if arm in held_out),
        ),
        ("tuned - base", f"{shown(row['tuned_minus_base'])} on held-out documents; an interval across 0 is no gain (docs/experiments.md)"),
        ("run", f"{row['run_path']} (run.html: curves, arms, outliers)"),
    ]
