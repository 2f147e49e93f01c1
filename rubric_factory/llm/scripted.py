"""Answers from a Python function, Request -> str: a fake that ships, for tests and rehearsals, and is named as one everywhere."""

import importlib
from collections.abc import Callable, Iterable, Iterator

from rubric_factory.errors import ConfigurationError, LanguageModelError
from rubric_factory.llm.protocol import Backend, Completion, Ready, Request
from rubric_factory.settings import llm


def _load(target: str) -> Callable[[Request], str]:
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
    answer: Callable[[Request], str] = function
    return answer


class ScriptedModel(Backend):
    """See the module. An exception of the function goes up as it is: it is the script's bug. Errors: ConfigurationError."""

    def __init__(self, section: llm.Scripted) -> None:
        super().__init__(section.model, section.revision, f"scripted:{section.function}")
        self._function = _load(section.function)

    def batches(self, requests: Iterable[Request | None]) -> Iterator[Ready]:
        """As Backend.batches, one answer at a time. Errors: LanguageModelError where the function returns no text."""
        for request in requests:
            yield [] if request is None else [(request.request_id, self._answer(request))]

    def _answer(self, request: Request) -> Completion:
        text = self._function(request)
        if not isinstance(text, str):
            raise LanguageModelError(f"{self.endpoint} returned {type(text).__name__}", expected="a str", fix="mend the function")
        return Completion(text=text, served_model=self.endpoint)
