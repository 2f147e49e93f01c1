"""A published version of synthetic tasks with a locked lexical judge, and the smallest run on it: for tests of training."""

from pathlib import Path

from factory import make_context, published, small_corpus

from rubric_factory import dataset_version
from rubric_factory.judging.judges import open_judge
from rubric_factory.judging.lock import make_lock, write_lock
from rubric_factory.judging.probes.protocol import ProbeTask
from rubric_factory.runs import RunSpec
from rubric_factory.settings.judge import Lexical, LockSettings
from rubric_factory.settings.training import EvaluationSettings, MadePolicy, TrainingSettings


def tiny_training(**changes):
    policy = MadePolicy(vocabulary=512, width=32, layers=1, heads=2, context_tokens=64, reading_steps=3, reading_batch=2, warmup_epochs=0.5)
    base = {"steps": 3, "prompts": 2, "group": 2, "learning_rate": 1e-3, "max_response_tokens": 8, "save_steps": 1, "canary_steps": 2}
    return TrainingSettings(policy=policy, evaluation=EvaluationSettings(samples=1), **(base | changes))


def tiny_spec(root: Path, **changes) -> RunSpec:
    """Publish, lock, and describe a run of three steps; changes are fields of RunSpec."""
    folder = published(make_context(root / "workspace"), small_corpus(10))
    version = dataset_version.open_version(folder)
    passages = dataset_version.grounding(version)
    tasks = [ProbeTask.of(t, passages[t.passage_id]["text"]) for s in ("train", "test") for t in dataset_version.tasks(version, s)]
    section = Lexical()
    lock = make_lock(open_judge(section, None), section, tasks, [], LockSettings(canary_pairs=4, repeats=2), seed=1, allow_unlocked=True)
    write_lock(lock, root / "judge.lock.json")
    fields = {
        "dataset": folder,
        "content_fingerprint": version.content_fingerprint,
        "judge": section,
        "lock": root / "judge.lock.json",
        "lock_digest": lock.digest,
        "texts": None,
        "policies": root / "policies",
        "training": tiny_training(),
        "seed": 1,
    }
    return RunSpec(**(fields | changes))
