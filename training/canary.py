"""The judge lock's canary, re-scored while training: a judge that drifts stops the run."""

from typing import Any

from transformers import TrainerCallback

from rubric_factory.errors import BlockedError
from rubric_factory.judging.lock import JudgeLock, verify_lock
from rubric_factory.judging.protocol import Judge


class CanaryCallback(TrainerCallback):
    """Every `steps` optimiser steps, on the main process: the locked judge must still grade its canary as it did."""

    def __init__(self, judge: Judge, lock: JudgeLock, steps: int) -> None:
        self._judge, self._lock, self._steps = judge, lock, steps

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Re-score if it is time. Errors: BlockedError."""
        if not state.is_world_process_zero or state.global_step % self._steps:
            return
        report = verify_lock(self._judge, self._lock)
        if not report.passed:
            raise BlockedError(
                f"the judge drifted by step {state.global_step}: {report.detail}",
                expected="the locked judge",
                fix="make a new lock, train anew",
            )
