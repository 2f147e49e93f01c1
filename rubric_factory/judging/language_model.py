"""The language-model judge: an answer in one call or several, reason before level, up to three tries each, failures by the algebra."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from rubric_factory.judging import failures, prompting
from rubric_factory.judging.failures import Replies
from rubric_factory.judging.modes import MODES, Call
from rubric_factory.judging.parts import OUTAGES, Part, after, chosen, merged, whole
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.llm.protocol import LanguageModel, Request
from rubric_factory.records import Category, Criterion, JudgeFailure, Judgement, Level, Rubric, content_id
from rubric_factory.settings.judge import ModelGradingSettings
from rubric_factory.settings.llm import Sampling

_SEEDS = 2**31 - 1
# (position of the answer in the batch, number of the call about it).
_Place = tuple[int, int]


def _canary() -> JudgeInput:
    """An answer that any working judge can grade: it shows whether an unparseable reply is the judge's fault or the answer's."""
    guide = (Level(0, "does not say so"), Level(1, "says so"))
    criterion = Criterion("canary", "Boiling point", "Says that water boils at 100 °C.", Category.ESSENTIAL, 1, ("100 °C",), guide, (), ())
    passage = response = "At sea level, water boils at 100 °C."
    return JudgeInput(
        "canary", "canary", "At what temperature does water boil?", passage, Rubric((criterion,)), response, reference=passage
    )


class LanguageModelJudge:
    """A judge over any LanguageModel. Weights never reach the model, save in the mode holistic.

    served, engines: what the backend calls itself and its engine in its replies: part of a lock.
    """

    def __init__(self, model: LanguageModel, grading: ModelGradingSettings, sampling: Sampling, evidence_grade: str) -> None:
        self._model, self.grading, self.sampling, self._grade = model, grading, sampling, evidence_grade
        self._mode = MODES[grading.mode]
        self.served: set[str] = set()
        self.engines: set[str] = set()

    @property
    def prompt_hash(self) -> str:
        """sha256 hex digest over the mode's prompt files and what else decides what is asked and how it is read."""
        grading, size = self.grading, "0"
        if grading.mode == "some_criteria":
            size = str(grading.criteria_per_call)
        elif self._mode.choose is not None:
            size = f"{grading.analyses} at {grading.analysis_temperature:g}"
        return prompting.prompt_hash(self._mode.prompts, grading.mode, size, grading.quotes)

    @property
    def identity(self) -> str:
        """model@revision, mode and prompt_hash."""
        return f"{self._model.model}@{self._model.revision} {self.grading.mode} prompts={self.prompt_hash[:16]}"

    @property
    def evidence_grade(self) -> str:
        """'model', or 'demo' for a scripted one."""
        return self._grade

    def grade_many(self, batch: Sequence[JudgeInput]) -> list[Judgement]:
        """See Judge. Over-long answers are settled before the call; the canary is sent only where a reply stayed unparseable."""
        limit, scale = self.grading.max_response_characters, self._mode.scale
        sent = [item for item in batch if not failures.is_over_length(item.response, limit)]
        outcomes = self._outcomes(sent)
        doubtful = any(outcome.failure is JudgeFailure.UNPARSEABLE for outcome in outcomes)
        canary_parsed = self._canary_parses(sent) if doubtful else True
        pairs = list(zip(sent, outcomes, strict=True))
        settled = iter(failures.settle_batch(pairs, self.identity, canary_parsed=canary_parsed, scale=scale))
        return [
            failures.over_length(item, self.identity, scale) if failures.is_over_length(item.response, limit) else next(settled)
            for item in batch
        ]

    def _outcomes(self, sent: Sequence[JudgeInput]) -> list[Replies]:
        found = self._tried(sent, lambda index: self._mode.calls(sent[index], self.grading))
        if self._mode.choose is None:
            return [merged(parts) for parts in found]
        choices: list[Sequence[Call]] = []
        for item, parts in zip(sent, found, strict=True):
            call = None if any(part.failure in OUTAGES for part in parts) else self._mode.choose(item, whole(parts))
            choices.append(() if call is None else (call,))
        made = self._tried(sent, choices.__getitem__)
        return [chosen(parts, next(iter(choice), None)) for parts, choice in zip(found, made, strict=True)]

    def _tried(self, sent: Sequence[JudgeInput], calls: Callable[[int], Sequence[Call]]) -> list[list[Part]]:
        """The calls about each answer through all their tries. calls: of the answer at a position, made when they are due."""
        parts: list[dict[int, Part]] = [{} for _ in sent]
        waiting: set[_Place] | None = None  # all, at first
        for attempt in range(self.grading.tries):
            asked: dict[str, tuple[_Place, Call]] = {}
            for request_id, completion in self._model.complete(self._requests(sent, calls, waiting, attempt, asked)):
                (index, number), call = asked.pop(request_id)
                self.served |= {completion.served_model} - {""}
                self.engines |= {completion.engine} - {""}
                parts[index][number] = after(parts[index].get(number, Part()), completion, call, first=attempt == 0)
            waiting = {(index, number) for index, own in enumerate(parts) for number, part in own.items() if part.again}
            if not waiting:
                break
        return [[own[number] for number in sorted(own)] for own in parts]

    def _requests(
        self,
        sent: Sequence[JudgeInput],
        calls: Callable[[int], Sequence[Call]],
        wanted: set[_Place] | None,
        attempt: int,
        asked: dict[str, tuple[_Place, Call]],
    ) -> Iterator[Request]:
        """Requests of the wanted calls, each noted in `asked` by its request_id until its reply is read.

        Answers to one task that stand together are asked about call by call: they share the prompt up to the response.
        """
        for _, group in groupby(range(len(sent)), key=lambda index: sent[index].task_id):
            own = {index: calls(index) for index in group}
            for number in range(max(len(some) for some in own.values())):
                for index, some in own.items():
                    if number < len(some) and (wanted is None or (index, number) in wanted):
                        request_id = f"{index}.{number}"
                        asked[request_id] = (index, number), some[number]
                        yield self._request(request_id, sent[index], some[number], attempt)

    def _request(self, request_id: str, item: JudgeInput, call: Call, attempt: int) -> Request:
        draw = item.draw if call.sample is None else item.draw * self.grading.analyses + call.sample
        temperature = self.sampling.temperature
        if call.sample is not None:
            temperature = max(temperature, self.grading.analysis_temperature)
        return Request(
            request_id=request_id,
            messages=call.messages,
            max_tokens=self.sampling.max_tokens,
            temperature=max(temperature, self.grading.retry_temperature) if attempt else temperature,
            top_p=self.sampling.top_p,
            seed=(self.grading.seed + attempt + draw * self.grading.tries) % _SEEDS,
            schema=call.schema,
            subject=item.task_id,
            part=f"{item.response_id}~{item.draw}" if item.draw else item.response_id,
        )

    def _canary_parses(self, sent: Iterable[JudgeInput]) -> bool:
        # The draw comes from the batch: the same canary from the ledger would say nothing about this hour's server.
        digest = content_id("canary", [[item.task_id, item.response_id, item.draw] for item in sent])
        item = replace(_canary(), draw=int(digest[:7], 16))
        call = self._mode.calls(item, self.grading)[0]
        replies = [completion for _, completion in self._model.complete([self._request("canary", item, call, 0)])]
        return bool(replies) and all(after(Part(), reply, call, first=True).first_parsed for reply in replies)
