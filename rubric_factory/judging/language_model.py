"""The language-model judge: all criteria of one answer in one call, reason before level, up to three tries, failures by the algebra."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rubric_factory.judging import failures, parser, prompting
from rubric_factory.judging.failures import Replies
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.llm.protocol import Completion, CompletionFailure, LanguageModel, Request
from rubric_factory.records import Category, Criterion, JudgeFailure, Judgement, Level, Rubric, Verdict, content_id
from rubric_factory.settings.judge import GradingSettings
from rubric_factory.settings.llm import Sampling

# A cut-off reply is one that cannot be parsed; one that has not come yet is a transport matter.
_FAILURES = {
    CompletionFailure.TRANSPORT: JudgeFailure.TRANSPORT,
    CompletionFailure.UNANSWERED: JudgeFailure.TRANSPORT,
    CompletionFailure.BAD_REQUEST: JudgeFailure.TRANSPORT,
    CompletionFailure.GIVEN_UP: JudgeFailure.TRANSPORT,
    CompletionFailure.TIMEOUT: JudgeFailure.TIMEOUT,
    CompletionFailure.REFUSED: JudgeFailure.REFUSED,
    CompletionFailure.TRUNCATED: JudgeFailure.UNPARSEABLE,
}
_SEEDS = 2**31 - 1


def _canary() -> JudgeInput:
    """An answer that any working judge can grade: it shows whether an unparseable reply is the judge's fault or the answer's."""
    guide = (Level(0, "does not say so"), Level(1, "says so"))
    criterion = Criterion("canary", "Boiling point", "Says that water boils at 100 °C.", Category.ESSENTIAL, 1, ("100 °C",), guide, (), ())
    passage = "At sea level, water boils at 100 °C."
    return JudgeInput("canary", "canary", "At what temperature does water boil?", passage, Rubric((criterion,)), "Water boils at 100 °C.")


class LanguageModelJudge:
    """A judge over any LanguageModel. Weights never reach the model."""

    def __init__(self, model: LanguageModel, grading: GradingSettings, sampling: Sampling, evidence_grade: str) -> None:
        self._model, self._grading, self._sampling, self._grade = model, grading, sampling, evidence_grade
        self.served: set[str] = set()  # what the backend calls itself in its replies: part of a lock

    @property
    def identity(self) -> str:
        """model@revision and the hash of the prompt files."""
        return f"{self._model.model}@{self._model.revision} prompts={prompting.prompt_hash()[:16]}"

    @property
    def evidence_grade(self) -> str:
        """'model', or 'demo' for a scripted one."""
        return self._grade

    def grade_many(self, batch: Sequence[JudgeInput]) -> list[Judgement]:
        """See Judge. Over-long answers are settled before the call; the canary is sent only where a reply stayed unparseable."""
        limit = self._grading.max_response_characters
        sent = [item for item in batch if not failures.is_over_length(item.response, limit)]
        outcomes = self._outcomes(sent)
        doubtful = any(outcome.failure is JudgeFailure.UNPARSEABLE for outcome in outcomes)
        canary_parsed = self._canary_parses(sent) if doubtful else True
        settled = iter(failures.settle_batch(list(zip(sent, outcomes, strict=True)), self.identity, canary_parsed=canary_parsed))
        return [
            failures.over_length(item, self.identity) if failures.is_over_length(item.response, limit) else next(settled) for item in batch
        ]

    def _outcomes(self, sent: Sequence[JudgeInput]) -> list[Replies]:
        outcomes = [Replies() for _ in sent]
        waiting = list(range(len(sent)))
        for attempt in range(self._grading.tries):
            if not waiting:
                break
            requests = (self._request(str(index), sent[index], attempt) for index in waiting)
            for request_id, completion in self._model.complete(requests):
                index = int(request_id)
                self.served |= {completion.served_model} - {""}
                outcomes[index] = _after(outcomes[index], completion, sent[index].rubric, first=attempt == 0)
            waiting = [index for index in waiting if outcomes[index].failure is JudgeFailure.UNPARSEABLE]
        return outcomes

    def _request(self, request_id: str, item: JudgeInput, attempt: int) -> Request:
        seed = (self._grading.seed + attempt + item.draw * self._grading.tries) % _SEEDS
        return Request(
            request_id=request_id,
            messages=prompting.messages(item),
            max_tokens=self._sampling.max_tokens,
            temperature=self._sampling.temperature,
            top_p=self._sampling.top_p,
            seed=seed,
            schema=parser.reply_schema(item.rubric),
            subject=item.task_id,
            part=f"{item.response_id}~{item.draw}" if item.draw else item.response_id,
        )

    def _canary_parses(self, sent: Iterable[JudgeInput]) -> bool:
        # The draw comes from the batch: the same canary from the ledger would say nothing about this hour's server.
        digest = content_id("canary", [[item.task_id, item.response_id, item.draw] for item in sent])
        item = replace(_canary(), draw=int(digest[:7], 16))
        replies = [completion for _, completion in self._model.complete([self._request("canary", item, 0)])]
        return all(_after(Replies(), reply, item.rubric, first=True).first_parsed for reply in replies) and bool(replies)


def _after(before: Replies, completion: Completion, rubric: Rubric, *, first: bool) -> Replies:
    """The replies after one more reply; tokens of all tries are summed, the last raw text is kept."""
    verdicts: tuple[Verdict, ...] = ()
    failure: JudgeFailure | None = None
    raw = completion.text
    if completion.failure is not None:
        failure, raw = _FAILURES[completion.failure], completion.text or completion.detail
    else:
        try:
            verdicts = parser.parse(completion.text, rubric)
        except parser.Unparseable:
            failure = JudgeFailure.UNPARSEABLE
    return Replies(
        verdicts=verdicts,
        failure=failure,
        first_parsed=failure is None if first else before.first_parsed,
        raw=raw,
        prompt_tokens=before.prompt_tokens + completion.prompt_tokens,
        completion_tokens=before.completion_tokens + completion.completion_tokens,
    )
