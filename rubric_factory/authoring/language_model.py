"""The language-model author: one call per passage, a strict reply, evidence located by code. What does not hold is a Rejection."""

from collections.abc import Iterable, Iterator
from contextlib import closing

from pydantic import ValidationError

from rubric_factory.authoring.assemble import EvidenceMissingError, assemble
from rubric_factory.authoring.prompting import author_request, prompt_hash
from rubric_factory.authoring.protocol import Authored
from rubric_factory.authoring.reply import Reply, reply_model
from rubric_factory.llm.breaker import Breaker
from rubric_factory.llm.protocol import Completion, CompletionFailure, LanguageModel, Request
from rubric_factory.llm.structured import json_text
from rubric_factory.records import Message, Passage, Rejection, Task
from rubric_factory.settings import author as settings
from rubric_factory.text import printable

# No answer was given: asked again in the next run.
_PENDING = (CompletionFailure.TRANSPORT, CompletionFailure.TIMEOUT, CompletionFailure.UNANSWERED)


def identity_of(section: settings.LanguageModelAuthor) -> str:
    """'model@revision prompts=<hash>': what goes into every row. The model need not be opened."""
    return f"{section.model}@{section.revision} prompts={prompt_hash()[:12]}"


def _rejection(record_id: str, reason: str, detail: str) -> Rejection:
    return Rejection(record_id, "author", reason, printable(detail))


def _fault(authored: Authored) -> str:
    """Why an answer is of no use: '' where it gave a task."""
    if authored.tasks:
        return ""
    return authored.detail or "; ".join(f"{rejection.reason}: {rejection.detail}" for rejection in authored.rejections[:1])


class LanguageModelAuthor:
    """Author behind any LanguageModel. system_message: of the policy's prompt, may be empty; seed: of the requests and delimiters."""

    def __init__(self, model: LanguageModel, section: settings.LanguageModelAuthor, system_message: str, seed: int) -> None:
        self._model, self._section, self._seed = model, section, seed
        self._system = (Message("system", system_message),) if system_message else ()

    @property
    def identity(self) -> str:
        """As identity_of."""
        return identity_of(self._section)

    @property
    def evidence_grade(self) -> str:
        """'model'; 'demo' where the model is a script."""
        return "demo" if self._section.type == "scripted" else "model"

    def write(self, passages: Iterable[tuple[Passage, str]]) -> Iterator[Authored]:
        """As Author.write, in the order answers arrive.

        Errors: LanguageModelError when nothing can work, or when hardly any answer is of use. Requests that the server refuses for what
        they are become Rejections only once another one was answered: until then the fault may be the server's, and they stay unasked.
        """
        asked: dict[str, Passage] = {}
        breaker, held = Breaker(self._section.model, self._section.stop_after), list[Authored]()

        def requests() -> Iterator[Request]:
            for passage, title in passages:
                asked[passage.passage_id] = passage
                yield author_request(passage, title, self._section.writing, self._section.sampling, self._seed)

        with closing(self._model.complete(requests())) as answers:
            for passage_id, completion in answers:
                authored = self._authored(asked.pop(passage_id), completion)
                if completion.failure is CompletionFailure.BAD_REQUEST and not breaker.worked:
                    held.append(authored)
                else:
                    yield authored
                # What lies in the ledger, or waits in a file, says nothing of the model as it is now.
                if not completion.stored and completion.failure is not CompletionFailure.UNANSWERED:
                    breaker.count(_fault(authored))
                if breaker.worked:
                    yield from held
                    held.clear()
        yield from held

    def _authored(self, passage: Passage, completion: Completion) -> Authored:
        """What one completion is worth: tasks, rejections, or nothing yet."""
        name = passage.passage_id
        if completion.failure in _PENDING:
            detail = "" if completion.failure is CompletionFailure.UNANSWERED else f"{completion.failure}: {completion.detail}"
            return Authored(name, pending=True, detail=printable(detail))
        if completion.failure is not None:
            return Authored(name, rejections=(_rejection(name, str(completion.failure), completion.detail),))
        reply = self._parsed(name, completion.text)
        if isinstance(reply, Rejection):
            return Authored(name, rejections=(reply,))
        made = [self._task(passage, reply, slot) for slot in range(len(reply.tasks))]
        tasks = tuple(one for one in made if isinstance(one, Task))
        return Authored(name, tasks, tuple(one for one in made if isinstance(one, Rejection)))

    def _parsed(self, passage_id: str, text: str) -> Reply | Rejection:
        """The reply, or why it is none."""
        try:
            return reply_model(self._section.writing).model_validate_json(json_text(text))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            reason = "unparseable_reply" if first["type"] == "json_invalid" else "schema_violation"
            where = ".".join(str(part) for part in first["loc"]) or "the reply"
            return _rejection(passage_id, reason, f"{where}: {first['msg']} ({error.error_count()} faults)")

    def _task(self, passage: Passage, reply: Reply, slot: int) -> Task | Rejection:
        """The task in a slot of the reply, or why it is none: record_id is then '<passage_id>/<slot>'."""
        name = f"{passage.passage_id}/{slot}"
        try:
            return assemble(reply.tasks[slot], passage, slot, self._system, self.identity, self.evidence_grade)
        except EvidenceMissingError as error:
            return _rejection(name, "evidence_not_verbatim", str(error))
        except ValueError as error:
            return _rejection(name, "invalid_rubric", str(error))
