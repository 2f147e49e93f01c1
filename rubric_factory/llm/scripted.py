"""Answers from a Python function: a fake that ships, for tests and rehearsals, and is named as one everywhere.

It returns the text, or a Completion where it rehearses a refusal, a cut reply or a server that fails.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator

from rubric_factory.errors import ConfigurationError, LanguageModelError
from rubric_factory.llm.chat_api import whole
from rubric_factory.llm.protocol import Backend, Completion, Ready, Request
from rubric_factory.settings import llm


def _load(target: str) -> Callable[[Request], str | Completion]:
    module, name = target.split(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"cannot load the function {target!r}: {error}",
            expected="package.module:function that Python can import",
            fix="mend the name, or put its folder on PYTHONPATH",
        ) from None
    if not callable(function):
        raise ConfigurationError(f"{target!r} is {type(function).__name__}", expected="a function Request -> str", fix="name a function")
    answer: Callable[[Request], str | Completion] = function
    return answer


class ScriptedModel(Backend):
    """See the module. An exception of the function goes up as it is: it is the script's bug. Errors: ConfigurationError."""

    def __init__(self, section: llm.Scripted) -> None:
        super().__init__(section.model, section.revision, f"scripted:{section.function}")
        self._function = _load(section.function)

    def batches(self, requests: Iterable[Request | None]) -> Iterator[Ready]:
        """As Backend.batches, one answer at a time. Errors: LanguageModelError where the function returns neither text nor a Completion."""
        for request in requests:
            yield [] if request is None else [(request.request_id, self._answer(request))]

    def _answer(self, request: Request) -> Completion:
        answer = self._function(request)
        if isinstance(answer, Completion):
            return answer
        if not isinstance(answer, str):
            fault = f"{self.endpoint} returned {type(answer).__name__}"
            raise LanguageModelError(fault, expected="a str or a Completion", fix="mend the function")
        return Completion(text=whole(answer), served_model=self.endpoint)
