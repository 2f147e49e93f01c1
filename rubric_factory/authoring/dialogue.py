"""Many conversations with one model at once: each is a generator that yields what to ask and is sent what came back.

A mode of authoring is such a generator, a small pure file; here is all there is of order, pending answers and stopping in time.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeVar

from rubric_factory.authoring.protocol import Authored
from rubric_factory.llm.breaker import Breaker
from rubric_factory.llm.protocol import Completion, CompletionFailure, LanguageModel, Request
from rubric_factory.text import printable

# No answer was given: asked again in the next run.
PENDING = (CompletionFailure.TRANSPORT, CompletionFailure.TIMEOUT, CompletionFailure.UNANSWERED)


@dataclass(frozen=True, slots=True)
class Ask:
    """What to ask next, at least one request. fault: why all that was answered so far is of no use, '' where some of it is."""

    requests: tuple[Request, ...]
    fault: str = ""


_T = TypeVar("_T")
# A conversation, or a part of one that ends with a T.
Part = Generator[Ask, list[Completion], _T]


@dataclass(slots=True)
class _Talk:
    """One conversation: what it has asked and got."""

    passage_id: str
    dialogue: Part[Authored]
    asked: tuple[Request, ...] = ()
    got: dict[str, Completion] = field(default_factory=dict)

    def begin(self) -> None:
        """Come to its first requests."""
        self.asked = next(self.dialogue).requests

    def advance(self) -> Ask | Authored:
        """What follows from the answers: more to ask, or the end. A pending answer is the end for this run."""
        answers = [self.got[request.request_id] for request in self.asked]
        waiting = [one for one in answers if one.failure in PENDING]
        if waiting:
            self.dialogue.close()
            said = next((f"{one.failure}: {one.detail}" for one in waiting if one.failure is not CompletionFailure.UNANSWERED), "")
            return Authored(self.passage_id, pending=True, detail=printable(said))
        try:
            ask = self.dialogue.send(answers)
        except StopIteration as stop:
            authored: Authored = stop.value
            return authored
        self.asked, self.got = ask.requests, {}
        return ask


def _fault(outcome: Ask | Authored) -> str:
    """Why answers are of no use: '' where they gave a task, or something to go on with."""
    if isinstance(outcome, Ask):
        return outcome.fault
    if outcome.tasks:
        return ""
    return outcome.detail or "; ".join(f"{rejection.reason}: {rejection.detail}" for rejection in outcome.rejections[:1])


class Conversations:
    """Runs conversations. breaker: ends the command where hardly any answer is of use."""

    def __init__(self, model: LanguageModel, breaker: Breaker) -> None:
        self._model, self._breaker = model, breaker
        self._held: list[Authored] = []

    def run(self, passages: Iterable[tuple[str, Callable[[], Part[Authored]]]]) -> Iterator[Authored]:
        """Yield what each conversation ends with, in the order they end. passages: (passage_id, how to begin).

        What follows from an answer is sent before anything of a new passage: so the model's window stays full, and few are open at once.
        Errors: LanguageModelError when nothing can work, or when hardly any answer is of use. Requests that the server refuses for what
        they are become Rejections only once another one was answered: until then the fault may be the server's, and they stay unasked.
        """
        todo, owners = deque[Request](), dict[str, _Talk]()
        begun = (_Talk(name, begin()) for name, begin in passages)
        self._begin(next(begun, None), todo, owners)
        while todo:
            with closing(self._model.complete(self._requests(begun, todo, owners))) as answers:
                for name, completion in answers:
                    talk = owners.pop(name)
                    talk.got[name] = completion
                    if len(talk.got) < len(talk.asked):
                        continue
                    before = list(talk.got.values())
                    outcome = talk.advance()
                    if isinstance(outcome, Ask):
                        self._enter(talk, todo, owners)
                    yield from self._handed_on(outcome, before)
        yield from self._held

    def _begin(self, talk: _Talk | None, todo: deque[Request], owners: dict[str, _Talk]) -> None:
        if talk is not None:
            talk.begin()
            self._enter(talk, todo, owners)

    @staticmethod
    def _enter(talk: _Talk, todo: deque[Request], owners: dict[str, _Talk]) -> None:
        todo.extend(talk.asked)
        owners.update({request.request_id: talk for request in talk.asked})

    def _requests(self, begun: Iterator[_Talk], todo: deque[Request], owners: dict[str, _Talk]) -> Iterator[Request]:
        """What there is to send now: what follows from answers first. Pulled by the model as its window has room."""
        while True:
            if not todo:
                self._begin(next(begun, None), todo, owners)
            if not todo:
                return
            yield todo.popleft()

    def _handed_on(self, outcome: Ask | Authored, answers: list[Completion]) -> Iterator[Authored]:
        """The outcome, if it is an end; held back while the server may be at fault. Counts what these answers were worth."""
        if isinstance(outcome, Authored):
            refused = any(one.failure is CompletionFailure.BAD_REQUEST for one in answers)
            if refused and not outcome.tasks and not self._breaker.worked:
                self._held.append(outcome)
            else:
                yield outcome
        # What lies in the ledger, or waits in a file, says nothing of the model as it is now.
        if any(not one.stored and one.failure is not CompletionFailure.UNANSWERED for one in answers):
            self._breaker.count(_fault(outcome))
        if self._breaker.worked:
            yield from self._held
            self._held.clear()
