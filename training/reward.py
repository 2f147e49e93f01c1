"""The reward TRL calls: resolves tasks and hidden passages by task_id, judges, applies the failure algebra, stores every verdict."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.errors import BlockedError
from rubric_factory.judging.failures import FailureMonitor, decide
from rubric_factory.judging.protocol import Judge, JudgeInput
from rubric_factory.tables import VERDICTS, judgement_rows
from rubric_factory.workspace import atomic_path
from training.data import VersionData
from training.variants import shuffled_within_groups

ROLLOUTS = pa.schema(
    [
        ("step", pa.int64()),
        ("task_id", pa.string()),
        ("response_id", pa.string()),
        ("response", pa.string()),
        ("words", pa.int64()),
        ("tokens", pa.int64()),
        ("reward", pa.float64()),
        ("outcome", pa.string()),
    ]
)


class RubricReward:
    """Async callable: (prompts, completions, completion_ids, task_id, …) -> one reward or None per completion.

    graded_as maps a task to the one whose rubric and passage grade it (itself, save in the permuted control).
    """

    __name__ = "rubric"

    def __init__(
        self,
        data: VersionData,
        judge: Judge,
        folder: Path,
        *,
        aggregation: str,
        seed: int,
        rank: int,
        graded_as: dict[str, str],
        shuffle: bool,
    ) -> None:
        self._data, self._judge, self._folder = data, judge, folder
        self._aggregation, self._seed, self._rank = aggregation, seed, rank
        self._graded_as, self._shuffle = graded_as, shuffle
        self._monitor = FailureMonitor()

    async def __call__(
        self, prompts: list[Any], completions: list[Any], completion_ids: list[list[int]], task_id: list[str], **extra: Any
    ) -> list[float | None]:
        """Rewards in the order of the completions. Errors: BlockedError when too many rollouts have no grade."""
        step = int(extra["trainer_state"].global_step)
        texts = [c if isinstance(c, str) else c[-1]["content"] for c in completions]
        batch = [
            self._data.input(self._graded_as[task], f"{step}-{self._rank}-{index}", text)
            for index, (task, text) in enumerate(zip(task_id, texts, strict=True))
        ]
        started = time.monotonic()
        judgements = await asyncio.to_thread(self._judge.grade_many, batch)
        outcomes = decide([item.rubric for item in batch], judgements, self._aggregation)
        rewards = [outcome.reward for outcome in outcomes]
        self._store(step, task_id, texts, completion_ids, batch, judgements, outcomes)
        self._log(extra, rewards, time.monotonic() - started)
        stop = self._monitor.observe(rewards, [outcome.kind for outcome in outcomes])
        if stop:
            raise BlockedError(
                f"training stopped at step {step}: {stop}", expected="at most 5 % rollouts without a grade", fix="see the judge"
            )
        return shuffled_within_groups(rewards, task_id, self._seed * 1_000_003 + step) if self._shuffle else rewards

    def _log(self, extra: dict[str, Any], rewards: list[float | None], seconds: float) -> None:
        graded = [r for r in rewards if r is not None]
        extra["log_metric"]("judge_seconds", seconds)
        extra["log_metric"]("ungraded_share", 1 - len(graded) / len(rewards))

    def _store(
        self, step: int, task_id: list[str], texts: list[str], ids: list[list[int]], batch: list[JudgeInput], judgements: Any, outcomes: Any
    ) -> None:
        rows = [
            {
                "step": step,
                "task_id": task,
                "response_id": item.response_id,
                "response": text,
                "words": len(text.split()),
                "tokens": len(tokens),
                "reward": outcome.reward,
                "outcome": outcome.kind,
            }
            for task, text, tokens, item, outcome in zip(task_id, texts, ids, batch, outcomes, strict=True)
        ]
        name = f"step-{step:06d}-rank{self._rank}.parquet"
        with atomic_path(self._folder / "rollouts" / name) as path:
            pq.write_table(pa.Table.from_pylist(rows, schema=ROLLOUTS), path)
        verdicts = [row for item, judgement in zip(batch, judgements, strict=True) for row in judgement_rows(judgement, item.rubric)]
        with atomic_path(self._folder / "verdicts" / name) as path:
            pq.write_table(pa.Table.from_pylist(verdicts, schema=VERDICTS), path)
