"""Many conversations at once, with one model or several: each is a generator that yields what to ask and is sent what came back.

A mode of authoring is such a generator, a small pure file; here is all there is of order, pending answers and stopping in time.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeVar

from rubric_factory.authoring.protocol import Authored
from rubric_factory.errors import CapReachedError
from rubric_factory.llm.breaker import Breaker
from rubric_factory.llm.protocol import Completion, CompletionFailure, LanguageModel, Request
from rubric_factory.text import printable

# No answer was given: asked again in the next run.
PENDING = (CompletionFailure.TRANSPORT, CompletionFailure.TIMEOUT, CompletionFailure.UNANSWERED)
# Requests that wait for the co-authors while the author is asked: with so many, no new passage is begun before they had their turn.
WAITING = 512


@dataclass(frozen=True, slots=True)
class Ask:
    """What to ask next, at least one request. fault: why all that was answered so far is of no use, '' where some of it is.

    writers: number of the model that each request goes to, empty where all go to the first. fault_of: why an answer of another model
    than the first is of no use, '' where it is.
    """

    requests: tuple[Request, ...]
    fault: str = ""
    writers: tuple[int, ...] = ()
    fault_of: Callable[[Completion], str] = lambda _: ""

    def by_writer(self) -> Iterator[tuple[int, Request]]:
        """Requests with the number of the model that each goes to."""
        return zip(self.writers or (0,) * len(self.requests), self.requests, strict=True)


_T = TypeVar("_T")
# A conversation, or a part of one that ends with a T.
Part = Generator[Ask, list[Completion], _T]


@dataclass(slots=True)
class _Talk:
    """One conversation: what it has asked and got. refused_by: numbers of the co-authors that refused a request of it for what it is."""

    passage_id: str
    dialogue: Part[Authored]
    ask: Ask = Ask(())
    got: dict[str, Completion] = field(default_factory=dict)
    refused_by: set[int] = field(default_factory=set)

    def begin(self) -> None:
        """Come to its first requests."""
        self.ask = next(self.dialogue)

    def advance(self) -> Ask | Authored:
        """What follows from the answers: more to ask, or the end. A pending answer is the end for this run."""
        answers = [self.got[request.request_id] for request in self.ask.requests]
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
        self.ask, self.got = ask, {}
        return ask


def _fault(outcome: Ask | Authored) -> str:
    """Why answers are of no use: '' where they gave a task, or something to go on with."""
    if isinstance(outcome, Ask):
        return outcome.fault
    if outcome.tasks:
        return ""
    return outcome.detail or "; ".join(f"{rejection.reason}: {rejection.detail}" for rejection in outcome.rejections[:1])


def _fresh(completion: Completion) -> bool:
    """Whether it says anything of the model as it is now: what lies in the ledger, or waits in a file, does not."""
    return not completion.stored and completion.failure is not CompletionFailure.UNANSWERED


def _fault_of(ask: Ask, completion: Completion) -> str:
    """Why an answer of a co-author is of no use."""
    return f"{completion.failure}: {completion.detail}" if completion.failure is not None else ask.fault_of(completion)


class Conversations:
    """Runs conversations with models, the first of them the author. breakers: one a model, end the command where hardly any answer of it
    is of use.

    Models take turns: one is asked until nothing waits for it. So its window stays full, and what waits for the others is bounded.
    """

    def __init__(self, models: Sequence[LanguageModel], breakers: Sequence[Breaker]) -> None:
        self._models, self._breakers = models, breakers
        self._todo = [deque[Request]() for _ in models]
        self._owners: dict[str, _Talk] = {}
        self._begun: Iterator[_Talk] = iter(())
        self._held: list[tuple[set[int], Authored]] = []  # ends, with the models whose server may be at fault

    def run(self, passages: Iterable[tuple[str, Callable[[], Part[Authored]]]]) -> Iterator[Authored]:
        """Yield what each conversation ends with, in the order they end. passages: (passage_id, how to begin).

        What follows from an answer is sent before anything of a new passage: so the model's window stays full, and few are open at once.
        Errors: LanguageModelError when nothing can work, or when hardly any answer is of use; CapReachedError after all that was stored.
        Requests that a server refuses for what they are become Rejections only once another one was answered: until then the fault may
        be the server's, and they stay unasked. So it is with a co-author's too.
        """
        self._begun = (_Talk(name, begin()) for name, begin in passages)
        capped: CapReachedError | None = None
        self._begin()
        while any(self._todo):
            writer = next(number for number, waiting in enumerate(self._todo) if waiting)
            try:
                yield from self._turn(writer)
            except CapReachedError as error:
                if len(self._models) == 1:
                    raise
                capped = capped or error  # the others may have stored answers to go on with
            if not any(self._todo):
                self._begin()
        if capped is not None:
            raise capped
        yield from (outcome for _, outcome in self._held)

    def _turn(self, writer: int) -> Iterator[Authored]:
        """Ask one model until nothing waits for it."""
        with closing(self._models[writer].complete(self._requests(writer))) as answers:
            for name, completion in answers:
                talk = self._owners.pop(name)
                talk.got[name] = completion
                if len(talk.got) < len(talk.ask.requests):
                    continue
                ask, before = talk.ask, talk.got
                outcome = talk.advance()
                if isinstance(outcome, Ask):
                    self._enter(talk)
                yield from self._handed_on(talk, outcome, ask, before)

    def _begin(self) -> None:
        """Begin the next conversation, if there is one."""
        talk = next(self._begun, None)
        if talk is not None:
            talk.begin()
            self._enter(talk)

    def _enter(self, talk: _Talk) -> None:
        for writer, request in talk.ask.by_writer():
            self._todo[writer].append(request)
            self._owners[request.request_id] = talk

    def _requests(self, writer: int) -> Iterator[Request]:
        """What there is to send to a model now: what follows from answers first. Pulled by the model as its window has room."""
        todo = self._todo[writer]
        while True:
            if not todo and writer == 0 and sum(map(len, self._todo[1:])) < WAITING:
                self._begin()
            if not todo:
                return
            yield todo.popleft()

    def _handed_on(self, talk: _Talk, outcome: Ask | Authored, ask: Ask, answers: dict[str, Completion]) -> Iterator[Authored]:
        """The outcome, if it is an end; held back while a server may be at fault. Counts what these answers were worth."""
        first, breaker = [answers[one.request_id] for writer, one in ask.by_writer() if writer == 0], self._breakers[0]
        refusals = {writer for writer, one in ask.by_writer() if answers[one.request_id].failure is CompletionFailure.BAD_REQUEST}
        talk.refused_by |= refusals - {0}
        if isinstance(outcome, Authored):
            doubted = self._unproven(talk.refused_by | (set() if outcome.tasks else refusals))
            if doubted:
                self._held.append((doubted, outcome))
            else:
                yield outcome
        if any(map(_fresh, first)):
            breaker.count(_fault(outcome))
        for writer, request in ask.by_writer():
            if writer and _fresh(answers[request.request_id]):
                self._breakers[writer].count(_fault_of(ask, answers[request.request_id]))
        yield from self._released()

    def _unproven(self, writers: set[int]) -> set[int]:
        """Those models of which no answer was of use yet."""
        return {writer for writer in writers if not self._breakers[writer].worked}

    def _released(self) -> Iterator[Authored]:
        """Ends that were held back, and whose models were not at fault after all."""
        held, self._held = self._held, []
        for doubted, outcome in held:
            if self._unproven(doubted):
                self._held.append((doubted, outcome))
            else:
                yield outcome
