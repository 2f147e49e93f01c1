"""All judges by name: one dict from the `type` of the `[judge]` section to what makes it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rubric_factory.errors import ConfigurationError
from rubric_factory.judging.ensemble import EnsembleJudge
from rubric_factory.judging.language_model import LanguageModelJudge
from rubric_factory.judging.lexical import LexicalJudge
from rubric_factory.judging.protocol import Judge
from rubric_factory.judging.rules import RulesJudge
from rubric_factory.settings.judge import JudgeSettings, Lexical, Rules, single_judges
from rubric_factory.workspace import Workspace

if TYPE_CHECKING:
    from rubric_factory.ledger import Ledger
    from rubric_factory.llm.account import Account
    from rubric_factory.llm.protocol import Backend, LanguageModel

# What opens the model behind a section, with the ledger and account that the caller wants.
ModelOf = Callable[[Any], "LanguageModel"]


def _language_model(section: Any, model_of: ModelOf) -> Judge:
    grade = "demo" if section.type == "scripted" else "model"
    return LanguageModelJudge(model_of(section), section.grading, section.sampling, grade)


JUDGES: dict[str, Callable[[Any, ModelOf], Judge]] = {
    "lexical": lambda section, _: LexicalJudge(section.grading),
    "rules": lambda section, _: RulesJudge(section.grading),
    "openai_compatible": _language_model,
    "vllm": _language_model,
    "local": _language_model,
    "batch_files": _language_model,
    "scripted": _language_model,
    "ensemble": lambda section, model_of: EnsembleJudge(section, [JUDGES[m.type](m, model_of) for m in section.members]),
}


def open_judge(
    section: JudgeSettings | None,
    ledger: "Ledger | None",
    *,
    stage: str = "",
    account: "Account | None" = None,
    backend: "Backend | None" = None,
) -> Judge:
    """The judge that a configuration names. ledger: of paid calls; embedded judges make none. stage, account, backend: as open_model.

    Errors: ConfigurationError without a section.
    """
    if section is None:
        raise ConfigurationError("no judge is configured", expected='a section [judge] with a type, for example "lexical"', fix="add it")

    def model_of(named: Any) -> "LanguageModel":
        from rubric_factory.llm.backends import open_model

        return open_model(named, ledger, stage=stage, account=account, backend=backend)

    return JUDGES[section.type](section, model_of)


@contextmanager
def opened_judge(
    section: JudgeSettings | None,
    workspace: Workspace,
    *,
    stage: str = "",
    account: "Account | None" = None,
    backend: "Backend | None" = None,
) -> Iterator[Judge]:
    """The configured judge; a language model stands behind the workspace's ledger, which is closed at the end.

    stage: what its calls are paid for; account: what they are paid from; backend: who answers instead of the configured one.
    Errors: those of open_judge, WorkspaceError (ledger).
    """
    if section is None or all(isinstance(judge, Lexical | Rules) for judge in single_judges(section)):
        yield open_judge(section, None)
        return
    from rubric_factory.ledger import Ledger

    with Ledger(workspace.ledger) as ledger:
        yield open_judge(section, ledger, stage=stage, account=account, backend=backend)
