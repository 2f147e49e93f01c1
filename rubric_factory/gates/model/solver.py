"""The solver: a language model that answers what a policy would be asked, exactly as it would be asked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rubric_factory.errors import LanguageModelError
from rubric_factory.ledger import Ledger
from rubric_factory.llm.account import Account
from rubric_factory.llm.backends import open_model
from rubric_factory.llm.protocol import Completion, CompletionFailure, LanguageModel, Request
from rubric_factory.records import Task, content_id
from rubric_factory.settings.gates import SolverSettings
from rubric_factory.workspace import Workspace

# What the ledger's calls are paid for.
STAGE = "solver"
# Nothing arrived: asked again in the next run. Every other failure is the model's own answer.
_MISSING = (CompletionFailure.TRANSPORT, CompletionFailure.TIMEOUT, CompletionFailure.UNANSWERED, CompletionFailure.GIVEN_UP)


def identity_of(section: SolverSettings | None) -> str:
    """'model@revision temperature=… top_p=… max_tokens=… samples=…': what spread and difficulty stand for. '' without a solver."""
    if section is None:
        return ""
    sampling = " ".join(f"{name}={value:g}" for name, value in section.sampling.model_dump().items())
    return f"{section.model}@{section.revision} {sampling} samples={section.samples}"


class Solver:
    """Answers of one model. asked, missing: answers wanted so far, and those that never arrived."""

    def __init__(self, model: LanguageModel, section: SolverSettings, seed: int) -> None:
        self._model, self._section, self._seed = model, section, seed
        self.asked = self.missing = 0

    def request(self, task: Task, kind: str) -> Request:
        """The request of one answer: the policy's own prompt. kind: 'sample/1' and so on, which decides the seed of the draw."""
        sampling = self._section.sampling
        draw = int(content_id(STAGE, self._seed, kind)[:7], 16)
        return Request(
            task.task_id, task.prompt, sampling.max_tokens, sampling.temperature, sampling.top_p, draw, subject=task.task_id, part=kind
        )

    def key(self, task: Task, kind: str) -> str:
        """Names one answer before it is there: nobody has to be asked to know that it was graded."""
        return self.request(task, kind).key(self._model.model, self._model.revision)

    def answers(self, tasks: Mapping[str, Task], kind: str) -> dict[str, str]:
        """task_id -> answer of this kind, cut ones as they are; nothing where it failed. Errors: as LanguageModel.complete."""
        found: dict[str, str] = {}
        for task_id, completion in self._model.complete([self.request(task, kind) for task in tasks.values()]):
            self.asked += 1
            self.missing += completion.failure in _MISSING
            if _usable(completion):
                found[task_id] = completion.text
        return found

    def require(self, allowed: float) -> None:
        """Errors: LanguageModelError where more than the allowed share of the answers never arrived."""
        if self.missing > allowed * self.asked:
            raise LanguageModelError(
                f"{self.missing} of {self.asked} answers of the solver {self._section.model} have not arrived",
                expected=f"all but {allowed:.0%}",
                fix="see that it answers, then run again: what it answered is kept",
            )


def _usable(completion: Completion) -> bool:
    return completion.failure is None or (completion.failure is CompletionFailure.TRUNCATED and bool(completion.text))


@contextmanager
def opened_solver(
    section: SolverSettings | None, workspace: Workspace, seed: int, account: Account | None = None
) -> Iterator[Solver | None]:
    """The configured solver behind the workspace's ledger, which is closed at the end; None without one.

    Errors: MissingExtraError, ConfigurationError, WorkspaceError (ledger).
    """
    if section is None:
        yield None
        return
    with Ledger(workspace.ledger) as ledger:
        yield Solver(open_model(section, ledger, stage=STAGE, account=account), section, seed)
