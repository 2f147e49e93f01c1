"""The table of backends, and the one way to open a model."""

from collections.abc import Callable
from typing import Any

from rubric_factory.ledger import Ledger
from rubric_factory.llm import protocol
from rubric_factory.llm.account import Account
from rubric_factory.llm.batch_files import BatchFilesModel
from rubric_factory.llm.local import LocalModel
from rubric_factory.llm.openai_compatible import OpenAICompatibleModel
from rubric_factory.llm.paid import Paid
from rubric_factory.llm.scripted import ScriptedModel
from rubric_factory.llm.vllm import VllmModel
from rubric_factory.settings import llm

BACKENDS: dict[str, Callable[[Any], protocol.Backend]] = {
    "openai_compatible": OpenAICompatibleModel,
    "vllm": VllmModel,
    "local": LocalModel,
    "batch_files": BatchFilesModel,
    "scripted": ScriptedModel,
}


def open_model(
    section: llm.Backend, ledger: Ledger | None, *, stage: str = "", account: Account | None = None, backend: protocol.Backend | None = None
) -> protocol.LanguageModel:
    """The model that a settings section names; behind the ledger, if there is one.

    stage: what its calls are paid for; account: what they are paid from, unlimited if None; backend: instead of the section's own.
    Errors: MissingExtraError, ConfigurationError. Nothing is contacted before the first request.
    """
    backend = backend or BACKENDS[section.type](section)
    if ledger is None:
        return backend
    if isinstance(backend, BatchFilesModel):
        account = None  # paid where the files are answered
    elif account is not None:
        account.require_price(section.model)
    return Paid(backend, ledger, give_up_after=section.give_up_after, stage=stage, account=account)
