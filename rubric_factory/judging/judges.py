"""All judges by name: one dict from the `type` of the `[judge]` section to what makes it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rubric_factory.errors import ConfigurationError
from rubric_factory.judging.language_model import LanguageModelJudge
from rubric_factory.judging.lexical import LexicalJudge
from rubric_factory.judging.protocol import Judge
from rubric_factory.judging.rules import RulesJudge
from rubric_factory.settings.judge import JudgeSettings, Lexical, Rules
from rubric_factory.workspace import Workspace

if TYPE_CHECKING:
    from rubric_factory.ledger import Ledger


def _language_model(section: Any, ledger: "Ledger | None") -> Judge:
    from rubric_factory.llm.backends import open_model

    grade = "demo" if section.type == "scripted" else "model"
    return LanguageModelJudge(open_model(section, ledger), section.grading, section.sampling, grade)


JUDGES: dict[str, Callable[[Any, "Ledger | None"], Judge]] = {
    "lexical": lambda section, _: LexicalJudge(section.grading),
    "rules": lambda section, _: RulesJudge(section.grading),
    "openai_compatible": _language_model,
    "vllm": _language_model,
    "batch_files": _language_model,
    "scripted": _language_model,
}


def open_judge(section: JudgeSettings | None, ledger: "Ledger | None") -> Judge:
    """The judge that a configuration names. ledger: of paid calls; embedded judges make none.

    Errors: ConfigurationError without a section.
    """
    if section is None:
        raise ConfigurationError("no judge is configured", expected='a section [judge] with a type, for example "lexical"', fix="add it")
    return JUDGES[section.type](section, ledger)


@contextmanager
def opened_judge(section: JudgeSettings | None, workspace: Workspace) -> Iterator[Judge]:
    """The configured judge; a language model stands behind the workspace's ledger, which is closed at the end.

    Errors: those of open_judge, WorkspaceError (ledger).
    """
    if section is None or isinstance(section, Lexical | Rules):
        yield open_judge(section, None)
        return
    from rubric_factory.ledger import Ledger

    with Ledger(workspace.ledger) as ledger:
        yield open_judge(section, ledger)
