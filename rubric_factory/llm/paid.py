"""A language model behind the ledger: nothing is paid twice, nothing paid is lost, whatever ends the process."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice

from rubric_factory.ledger import Answer, Ledger
from rubric_factory.llm.account import Account
from rubric_factory.llm.asked import Describer
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
        endpoint=completion.endpoint or endpoint,
        served_model=completion.served_model,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        seconds=completion.seconds,
        engine=completion.engine,
        cached_tokens=completion.cached_tokens,
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
        cached_tokens=answer.cached_tokens,
        engine=answer.engine,
        endpoint=answer.endpoint,
        stored=True,
    )


class Paid:
    """A LanguageModel: `backend` behind `ledger`. give_up_after: failed runs after which a call becomes a dead letter.

    stage: what the calls are paid for; account: what they are paid from, None: without a cap.
    """

    def __init__(
        self, backend: Backend, ledger: Ledger, *, give_up_after: int = 3, stage: str = "", account: Account | None = None
    ) -> None:
        self.backend, self.ledger, self.give_up_after = backend, ledger, give_up_after
        self.account = Account() if account is None else account
        self.describe = Describer(stage)
        backend.capped = self.account.caps.spending

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
        Errors: LanguageModelError of the backend, WorkspaceError of the ledger; CapReachedError at the end, where requests could not be
        sent: all stored answers were handed on by then.
        """
        run = _Run(self, requests)
        try:
            while True:
                for ready in self.backend.batches(run.claimed()):
                    yield from run.stored()
                    yield from run.settled(ready)
                yield from run.stored()
                if run.held:
                    run.again(run.held)
                elif run.busy:
                    time.sleep(POLL_SECONDS)
                    run.again(run.busy)
                else:
                    break
        finally:
            run.release()
        if run.unsent:
            raise self.account.error(run.unsent)


class _Run:
    """What one call of `complete` has under way. Requests of the same key are paid once and answered alike.

    busy: another process has them under way; held: the account has no room until what is under way has come back; unsent: nor then.
    """

    def __init__(self, paid: Paid, requests: Iterable[Request]) -> None:
        self._paid, self._todo = paid, iter(requests)
        self._under_way: dict[str, list[Request]] = {}
        self._stored: Ready = []
        self.busy: dict[str, list[Request]] = {}
        self.held: dict[str, list[Request]] = {}
        self.unsent = 0

    def again(self, waiting: dict[str, list[Request]]) -> None:
        """Offer these (busy or held) before what is left to do."""
        first = [request for requests in waiting.values() for request in requests]
        waiting.clear()
        self._todo = chain(first, self._todo)

    def claimed(self) -> Iterator[Request | None]:
        """The requests to send, named by their keys, until the account has no room; None whenever stored answers wait to be handed on."""
        model, revision = self._paid.model, self._paid.revision
        while not self.held and (chunk := list(islice(self._todo, CLAIM_REQUESTS))):
            fresh: dict[str, list[Request]] = {}
            for request in chunk:
                key = request.key(model, revision)
                same = self._under_way.get(key)
                (fresh.setdefault(key, []) if same is None else same).append(request)
            yield from self._claim(fresh)
            if self._stored:
                yield None

    def _claim(self, fresh: dict[str, list[Request]]) -> Iterator[Request]:
        paid, account, ledger = self._paid, self._paid.account, self._paid.ledger
        claims = ledger.claim(
            list(fresh),
            paid.model,
            paid.revision,
            describe=lambda key: paid.describe(fresh[key][0]),
            admit=lambda key: account.admit(key, fresh[key][0], paid.model, ledger.spent),
        )
        for key in claims.mine:
            self._under_way[key] = fresh[key]
        for key in claims.busy:
            self.busy.setdefault(key, []).extend(fresh[key])
        for key, answer in claims.answered.items():
            self._keep(fresh[key], _to_completion(answer))
        for key, reason in claims.dead.items():
            self._keep(fresh[key], Completion(failure=CompletionFailure.GIVEN_UP, detail=reason, stored=True))
        if claims.held and not self._under_way:
            account.stop()
        if account.stopped:
            self.unsent += sum(len(fresh[key]) for key in claims.held)
        else:
            self.held |= {key: fresh[key] for key in claims.held}
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
        paid, answers, failures, released = self._paid, {}, {}, []
        for key, completion in ready:
            if completion.failure in _ATTEMPTS:
                failures[key] = f"{completion.failure}: {completion.detail}"
            elif completion.failure in _UNPAID:
                released.append(key)
            else:
                answers[key] = _to_answer(completion, paid.backend.endpoint)
        again = {key: completion.tries - 1 for key, completion in ready if completion.failure not in _UNPAID}
        paid.ledger.settle(answers, failures, released, give_up_after=paid.give_up_after, again=again)
        for key, completion in ready:
            paid.account.settle(key, None if completion.failure in _UNPAID else completion, paid.model)
            for request in self._under_way.pop(key):
                yield request.request_id, completion

    def release(self) -> None:
        """Give back the leases of what was not answered."""
        if self._under_way:
            self._paid.ledger.settle({}, {}, list(self._under_way))
            for key in self._under_way:
                self._paid.account.settle(key, None, self._paid.model)
            self._under_way = {}
