"""What one training run is, and its folder: run.json is written by whoever starts it and read by the training process."""

import json
from pathlib import Path
from typing import Any, Literal

from rubric_factory.errors import ConfigurationError
from rubric_factory.records import content_id
from rubric_factory.settings.base import Section
from rubric_factory.settings.judge import JudgeSettings
from rubric_factory.settings.training import TrainingSettings
from rubric_factory.workspace import write_text

Variant = Literal["tuned", "permuted", "shuffled"]


class RunSpec(Section):
    """One run: a dataset version, a judge under a lock, a policy, a seed and a variant.

    variant: tuned = rewards as they are; permuted = rubrics permuted over tasks; shuffled = rewards shuffled within each group.
    """

    dataset: Path
    content_fingerprint: str
    judge: JudgeSettings
    lock: Path
    lock_digest: str
    texts: Path | None
    policies: Path
    training: TrainingSettings
    seed: int
    variant: Variant = "tuned"

    @property
    def run_id(self) -> str:
        """Content id of everything that decides the outcome; no path and no machine goes into it."""
        return content_id("run", self._decisive())[:16]

    def _decisive(self) -> dict[str, Any]:
        training = self.training.model_dump(mode="json", exclude={"python", "processes", "threads"})
        return {
            "content_fingerprint": self.content_fingerprint,
            "judge": self.judge.model_dump(mode="json"),
            "lock": self.lock_digest,
            "training": training,
            "seed": self.seed,
            "variant": self.variant,
            "reads": "grounding" if self.texts is None else "texts",
        }

    def save(self, folder: Path) -> None:
        """Write <folder>/run.json."""
        write_text(
            folder / "run.json", json.dumps({"run_id": self.run_id, **self.model_dump(mode="json")}, indent=2, sort_keys=True) + "\n"
        )

    @classmethod
    def load(cls, folder: Path) -> "RunSpec":
        """Read <folder>/run.json. Errors: ConfigurationError when it is missing or not a run."""
        path = folder / "run.json"
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            raw.pop("run_id", None)
            return cls.model_validate(raw)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"cannot read {path}: {error}", expected="a run.json", fix="start runs with rubric-factory train"
            ) from None
