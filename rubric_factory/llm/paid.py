"""A language model behind the ledger: nothing is paid twice, nothing paid is lost, whatever ends the process."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from rubric_factory.ledger import Answer, Ledger
from rubric_factory.llm.protocol import Backend, Completion, CompletionFailure, Completions, Ready, Request

# Requests looked up and claimed in one commit.
CLAIM_REQUESTS = 64
# Pause between looks at calls that another process has under way.
POLL_SECONDS = 0.2

# Asked again next run; everything else that came back is an answer, and stored.
_ATTEMPTS = (CompletionFailure.TRANSPORT, CompletionFailure.TIMEOUT)
# Nothing was paid, nothing is stored: asked again only where somebody asks again.
_UNPAID = (CompletionFailure.UNANSWERED, CompletionFailure.BAD_REQUEST)


def _to_answer(completion: Completion, endpoint: str) -> Answer:
    return Answer(
        text=completion.text,
        failure=str(completion.failure or ""),
        detail=completion.detail,
        endpoint=endpoint,
        served_model=completion.served_model,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        seconds=completion.seconds,
    )


def _to_completion(answer: Answer) -> Completion:
    return Completion(
        text=answer.text,
        failure=CompletionFailure(answer.failure) if answer.failure else None,
        detail=answer.detail,
        served_model=answer.served_model,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        seconds=answer.seconds,
        stored=True,
    )


class Paid:
    """A LanguageModel: `backend` behind `ledger`. give_up_after: failed runs after which a call becomes a dead letter."""

    def __init__(self, backend: Backend, ledger: Ledger, *, give_up_after: int = 3) -> None:
        self.backend, self.ledger, self.give_up_after = backend, ledger, give_up_after

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.backend.model

    @property
    def revision(self) -> str:
        """Revision of the weights."""
        return self.backend.revision

    def complete(self, requests: Iterable[Request]) -> Completions:
        """As LanguageModel.complete; stored answers are served without a call, an answer is handed on once it is durable.

        Drain or close the generator: calls it has under way are leased to it until then, and others wait for them.
        Errors: LanguageModelError of the backend, WorkspaceError of the ledger.
        """
        run = _Run(self)
        todo = iter(requests)
        try:
            while True:
                for ready in self.backend.batches(run.claimed(todo)):
                    yield from run.stored()
                    yield from run.settled(ready)
                yield from run.stored()
                if not run.busy:
                    return
                time.sleep(POLL_SECONDS)
                todo = iter([request for waiting in run.busy.values() for request in waiting])
                run.busy = {}
        finally:
            run.release()


class _Run:
    """What one call of `complete` has under way. Requests of the same key are paid once and answered alike."""

    def __init__(self, paid: Paid) -> None:
        self._paid = paid
        self._under_way: dict[str, list[Request]] = {}
        self._stored: Ready = []
        self.busy: dict[str, list[Request]] = {}

    def claimed(self, todo: Iterator[Request]) -> Iterator[Request | None]:
        """The requests to send, named by their keys; None whenever stored answers wait to be handed on."""
        model, revision = self._paid.model, self._paid.revision
        while chunk := list(islice(todo, CLAIM_REQUESTS)):
            fresh: dict[str, list[Request]] = {}
            for request in chunk:
                key = request.key(model, revision)
                same = self._under_way.get(key)
                (fresh.setdefault(key, []) if same is None else same).append(request)
            yield from self._claim(fresh)
            if self._stored:
                yield None

    def _claim(self, fresh: dict[str, list[Request]]) -> Iterator[Request]:
        claims = self._paid.ledger.claim(list(fresh), self._paid.model, self._paid.revision)
        for key in claims.mine:
            self._under_way[key] = fresh[key]
        for key in claims.busy:
            self.busy.setdefault(key, []).extend(fresh[key])
        for key, answer in claims.answered.items():
            self._keep(fresh[key], _to_completion(answer))
        for key, reason in claims.dead.items():
            self._keep(fresh[key], Completion(failure=CompletionFailure.GIVEN_UP, detail=reason, stored=True))
        for key in claims.mine:
            yield replace(fresh[key][0], request_id=key)

    def _keep(self, requests: list[Request], completion: Completion) -> None:
        self._stored.extend((request.request_id, completion) for request in requests)

    def stored(self) -> Ready:
        """Stored answers that were found meanwhile."""
        ready, self._stored = self._stored, []
        return ready

    def settled(self, ready: Ready) -> Iterator[tuple[str, Completion]]:
        """Commit what came back, then hand it on to every request of its key."""
        if not ready:
            return
        answers, failures, released = {}, {}, []
        for key, completion in ready:
            if completion.failure in _ATTEMPTS:
                failures[key] = f"{completion.failure}: {completion.detail}"
            elif completion.failure in _UNPAID:
                released.append(key)
            else:
                answers[key] = _to_answer(completion, self._paid.backend.endpoint)
        self._paid.ledger.settle(answers, failures, released, give_up_after=self._paid.give_up_after)
        for key, completion in ready:
            for request in self._under_way.pop(key):
                yield request.request_id, completion

    def release(self) -> None:
        """Give back the leases of what was not answered."""
        if self._under_way:
            self._paid.ledger.settle({}, {}, list(self._under_way))
            self._under_way = {}
