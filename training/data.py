"""A verified version as the trainer needs it: prompts for the policy, and, apart from them, what only the judge may see."""

from dataclasses import dataclass
from functools import cached_property

from rubric_factory import dataset_version
from rubric_factory.errors import DatasetError
from rubric_factory.evaluation import GradedTask
from rubric_factory.judging.probes.protocol import ProbeTask
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import DatasetVersion, Task
from rubric_factory.runs import RunSpec


@dataclass(frozen=True)
class VersionData:
    """One verified version. tasks: {split: tasks in stored order}; passages: {grounding_id: text}; genres: {task_id: genre}."""

    version: DatasetVersion
    tasks: dict[str, list[Task]]
    passages: dict[str, str]
    genres: dict[str, str]

    @classmethod
    def open(cls, spec: RunSpec) -> "VersionData":
        """Read and verify the run's version. Errors: DatasetError when it does not verify or is not the one the run was made for."""
        report = dataset_version.verify(spec.dataset)
        report.require()
        found = report.version
        if found.content_fingerprint != spec.content_fingerprint:
            raise DatasetError(
                f"{spec.dataset} has content {found.content_fingerprint[:12]}",
                expected=f"{spec.content_fingerprint[:12]}, the version this run was made for",
                fix="start a new run",
            )
        splits = ("train", "validation", "test")
        tasks = {split: list(dataset_version.tasks(found, split)) for split in splits}
        genres = {row["task_id"]: row["genre"] for split in splits for row in dataset_version.task_rows(found, split)}
        passages = {key: row["text"] for key, row in dataset_version.grounding(found).items()}
        data = cls(found, tasks, passages, genres)
        data._require_policy_prompts()
        return data

    def _require_policy_prompts(self) -> None:
        """The policy config is what the policy sees: it must hold the tasks' own prompts, one to one."""
        for split, tasks in self.tasks.items():
            shown = {row["task_id"]: row["prompt"] for row in dataset_version.policy(self.version, split)}
            if shown != {task.task_id: messages(task) for task in tasks}:
                raise DatasetError(f"policy and tasks of {self.version.path} disagree on the {split} prompts", expected="the same prompts")

    def split(self, name: str) -> list[Task]:
        """Tasks of a split. Errors: DatasetError where there is none."""
        if not self.tasks[name]:
            raise DatasetError(f"{self.version.path} has no {name} task", expected="at least one", fix="publish more tasks")
        return self.tasks[name]

    @cached_property
    def graded(self) -> dict[str, GradedTask]:
        """task_id -> task, hidden passage and genre, all splits."""
        return {
            task.task_id: GradedTask(task, self.passages[task.passage_id], self.genres[task.task_id])
            for tasks in self.tasks.values()
            for task in tasks
        }

    def probe_tasks(self, split: str) -> list[ProbeTask]:
        """Tasks of a split as the probes take them."""
        return [ProbeTask.of(task, self.passages[task.passage_id], self.genres[task.task_id]) for task in self.split(split)]

    def input(self, task_id: str, response_id: str, response: str) -> JudgeInput:
        """What the judge gets for one response to a task."""
        graded = self.graded[task_id]
        return JudgeInput.of(graded.task, graded.passage, response, response_id)


def messages(task: Task) -> list[dict[str, str]]:
    """The task's prompt as chat messages: all that the policy sees."""
    return [{"role": message.role, "content": message.content} for message in task.prompt]
