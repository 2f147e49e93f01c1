"""Our reward in other people's trainers: TRL, verl and verifiers, from one file on the base install.

Where grades come from:  Local("datasets/x/1.0.0")                         in this process, embedded or HTTP judge
                         Remote("http://127.0.0.1:8765", token_file=...)   `rubric-factory judge serve` (or the token in RUBRIC_JUDGE_TOKEN)
TRL                      GRPOTrainer(reward_funcs=[TRLReward(source)], train_dataset=the configuration `policy`: task_id, prompt)
verl                     reward.custom_reward_function.path=<this file> name=compute_score reward_kwargs={server: ..., token_file: ...}
verifiers                v1: verifiers_reward(source) as the `fn` of a reward; legacy Rubric: verifiers_legacy_reward(source)

A judge failure is never a score. TRL takes None and leaves the rollout out. verl and verifiers know no None, and what each does with an
exception decides ours (docs/adr/0012): verifiers v1 records one as the rollout's error; verl's `rate_limited` manager and verifiers'
legacy Rubric write 0.0 for any Exception, so there whatever goes wrong becomes Ungraded, which is none and stops the run.
"""

import asyncio
import json
import math
import os
import random
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

import aiohttp

from rubric_factory.errors import BlockedError, ConfigurationError, FactoryError, LanguageModelError, UsageError
from rubric_factory.grading import Answer, Grade, Grader, open_grader
from rubric_factory.judging.failures import FailureMonitor
from rubric_factory.judging.gathered import BATCH, Gathered
from rubric_factory.judging.rechecked import Rechecked

TOKEN = "RUBRIC_JUDGE_TOKEN"
GRADE_PATH = "/v1/grade"
MAX_PAUSE_SECONDS = 30.0
_OPENING = threading.Lock()
_REFUSALS: dict[int, type[FactoryError]] = {401: ConfigurationError, 409: BlockedError}


class Ungraded(BaseException):
    """No reward, and a host that would turn an Exception into 0.0: the run stops. Resume from its checkpoint once the judge answers."""


class Source(Protocol):
    """Whoever grades."""

    async def grade(self, answers: Sequence[Answer]) -> list[Grade]:
        """One grade an answer, (task_id, response) each, in order. Errors: FactoryError where nothing can be graded at all."""


@dataclass
class Local:
    """A judge in this process; version, judge and lock as open_grader takes them. Opened, and held against the lock, at the first
    grade, and again as judging/rechecked.py says.

    Answers of several callers are graded together. Pickles as its arguments.
    """

    version: str | Path
    judge: Mapping[str, Any] | None = None
    lock: str | Path | None = None
    aggregation: str = "canonical"
    _opened: list[tuple[Grader, Gathered]] = field(default_factory=list, init=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": []}

    def _open(self) -> tuple[Grader, Gathered]:
        with _OPENING:
            if not self._opened:
                grader = open_grader(self.version, self.judge, lock=self.lock)
                self._opened.append((grader, Gathered(Rechecked(grader.judge, grader.lock), waiting=sys.maxsize)))
            return self._opened[0]

    async def grade(self, answers: Sequence[Answer]) -> list[Grade]:
        """See Source."""
        grader, gathered = await asyncio.to_thread(self._open)
        items = grader.inputs(answers)
        judgements = await asyncio.gather(*map(asyncio.wrap_future, gathered.submit(items)))
        return grader.settled(items, judgements, self.aggregation)


@dataclass(frozen=True)
class Remote:
    """A `judge serve`. lock: digest that the server's lock must have, '' for any. tries: with pauses that double from backoff_seconds on.

    No answer after all tries is a grade without a reward (transport), like any other failure. Pickles without its token.
    """

    url: str
    token_file: str | Path = ""
    aggregation: str = "canonical"
    lock: str = ""
    tries: int = 6
    timeout_seconds: float = 600.0
    backoff_seconds: float = 1.0

    async def grade(self, answers: Sequence[Answer]) -> list[Grade]:
        """See Source. Errors: ConfigurationError (token), BlockedError (another lock), UsageError (unknown task), FactoryError."""
        headers = {"Authorization": f"Bearer {self._token()}"}
        timeout = aiohttp.ClientTimeout(total=self.timeout_seconds)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            parts = [answers[start : start + BATCH] for start in range(0, len(answers), BATCH)]
            found = await asyncio.gather(*(self._part(session, part) for part in parts))
        return [grade for part in found for grade in part]

    def _token(self) -> str:
        try:
            token = Path(self.token_file).read_text(encoding="utf-8").strip() if self.token_file else os.environ.get(TOKEN, "")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"cannot read the token in {self.token_file}: {error}", fix="see what judge serve said") from None
        if not token:
            raise ConfigurationError(
                f"no token for {self.url}", expected=f"a token file, or the variable {TOKEN}", fix="see what judge serve said"
            )
        return token

    async def _part(self, session: aiohttp.ClientSession, answers: Sequence[Answer]) -> list[Grade]:
        body: dict[str, Any] = {"answers": [{"task_id": task_id, "response": text} for task_id, text in answers]}
        body |= {"aggregation": self.aggregation, **({"lock": self.lock} if self.lock else {})}
        outcome = "transport"
        for attempt in range(self.tries):
            if attempt:
                await asyncio.sleep(min(self.backoff_seconds * 2.0 ** (attempt - 1), MAX_PAUSE_SECONDS) * random.uniform(0.5, 1))
            try:
                async with session.post(self.url.rstrip("/") + GRADE_PATH, json=body, allow_redirects=False) as reply:
                    if reply.status == 200:
                        return _grades(await reply.json(), answers, self.url)
                    if reply.status not in (408, 429) and reply.status < 500:
                        raise await _refusal(reply)
                outcome = "transport"
            except TimeoutError:
                outcome = "timeout"
            except (aiohttp.ClientError, OSError, ValueError):  # ValueError: a body that is no JSON, or no UTF-8
                outcome = "transport"
        return [Grade(task_id, "", None, outcome) for task_id, _ in answers]


async def _refusal(reply: aiohttp.ClientResponse) -> FactoryError:
    """The error a person sees for what no further try can mend."""
    text = (await reply.content.read(2000)).decode("utf-8", "replace")
    return _REFUSALS.get(reply.status, UsageError)(f"{reply.url} refuses with {reply.status}: {text!r}", fix="see judge serve")


def _grades(reply: Any, answers: Sequence[Answer], url: str) -> list[Grade]:
    try:
        found = [Grade.from_row(row) for row in reply["results"]]
        if [grade.task_id for grade in found] != [task_id for task_id, _ in answers]:
            raise ValueError("not the answers that were asked about")
    except (ValueError, KeyError, TypeError) as error:
        raise FactoryError(f"{url} is no judge of ours: {error}", expected="rubric-factory judge serve of this version") from None
    return found


def text_of(completion: Any) -> str:
    """The answer in a completion: a string, or messages whose last content is a string or a list of parts. Errors: TypeError."""
    if isinstance(completion, str):
        return completion
    last = completion[-1]
    content = last["content"] if isinstance(last, Mapping) else last.content
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content or () if part.get("type", "text") == "text")


class TRLReward:
    """Reward function of TRL: async, so that one call judges a whole batch. Stops the run like ours, see FailureMonitor."""

    __name__ = "rubric"

    def __init__(self, source: Source) -> None:
        self._source, self._monitor = source, FailureMonitor()

    async def __call__(
        self, prompts: list[Any], completions: list[Any], completion_ids: list[Any], task_id: list[str], **columns: Any
    ) -> list[float | None]:
        """One reward a completion, None without a grade. Errors: BlockedError when too many have none; those of the source."""
        grades = await self._source.grade([(task, text_of(one)) for task, one in zip(task_id, completions, strict=True)])
        rewards = [grade.reward for grade in grades]
        if "log_metric" in columns:
            columns["log_metric"]("ungraded_share", sum(reward is None for reward in rewards) / max(1, len(rewards)))
        stop = self._monitor.observe(rewards, [grade.outcome for grade in grades])
        if stop:
            raise BlockedError(f"the judge fails: {stop}", expected="at most 5 % rollouts without a grade", fix="see the judge")
        return rewards


def _plain(value: Any) -> Any:
    """A value of verl's configuration (OmegaConf) as JSON takes it."""
    return str(value) if isinstance(value, Path) else dict(value) if isinstance(value, Mapping) else list(value)


OnFailure = Literal["stop", "nan"]


@contextmanager
def _no_zero() -> Iterator[None]:
    """The boundary to a host that scores an Exception 0.0: every one, of whatever kind, leaves as Ungraded."""
    try:
        yield
    except Exception as error:
        raise Ungraded(
            f"nothing was graded: {type(error).__name__}: {error}; the run stops, since this trainer scores an error 0"
        ) from error


@cache
def _source(settings: str) -> Source:
    """One source a process for the same settings (JSON)."""
    given = json.loads(settings)
    return Remote(given.pop("server"), **given) if "server" in given else Local(**given)


def compute_scores(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[Any],
    extra_infos: Sequence[Mapping[str, Any]],
    *,
    on_failure: OnFailure = "stop",
    reward_router_address: Any = None,
    reward_model_tokenizer: Any = None,
    **source: Any,
) -> list[dict[str, float]]:
    """verl's batch manager: the reward of every answer to extra_info["task_id"], as {"score", "flagged"} (1.0: graded by rule).

    source: the arguments of Remote with `server` for its url, or those of Local. on_failure: 'stop' raises Ungraded; 'nan' gives NaN, with
    which verl's GRPO leaves out the whole optimiser step (its gradient norm is not finite) and logs NaN means. Errors: Ungraded, from
    whatever Source.grade raises, under either on_failure.
    """
    with _no_zero():
        answers = [(str(info["task_id"]), text) for info, text in zip(extra_infos, solution_strs, strict=True)]
        with _OPENING:
            chosen = _source(json.dumps(source, sort_keys=True, default=_plain))
        grades = asyncio.run(_collect(chosen, answers))
    return [{"score": _number(grade, on_failure), "flagged": float(grade.outcome in ("over_length", "policy_induced"))} for grade in grades]


def compute_score(
    data_source: str, solution_str: str, ground_truth: Any, extra_info: Mapping[str, Any] | None = None, **settings: Any
) -> dict[str, float]:
    """verl's other managers, one answer a call, each in a thread of its own. As compute_scores."""
    return compute_scores([data_source], [solution_str], [ground_truth], [extra_info or {}], **settings)[0]


async def _collect(source: Source, answers: Sequence[Answer]) -> list[Grade]:
    return await source.grade(answers)


def _number(grade: Grade, on_failure: str) -> float:
    if grade.reward is not None:
        return grade.reward
    if on_failure == "nan":
        return math.nan
    raise Ungraded(f"no grade for an answer to {grade.task_id}: {grade.outcome}; the run stops, since this trainer knows no missing reward")


def verifiers_reward(source: Source) -> Callable[..., Awaitable[float]]:
    """Reward of verifiers v1, for tasks whose data has a task_id: (task, trace) -> float. A failure is the rollout's error, no reward."""

    async def rubric(task: Any, trace: Any) -> float:
        (grade,) = await source.grade([(task.task_id, trace.last_reply)])
        if grade.reward is None:
            raise LanguageModelError(f"no grade for an answer to {grade.task_id}: {grade.outcome}", fix="see the judge")
        return grade.reward

    return rubric


def verifiers_legacy_reward(source: Source) -> Callable[..., Awaitable[float]]:
    """Reward of verifiers' legacy Rubric, for rows with info["task_id"]: (completion, info) -> float. Errors: Ungraded stops the run."""

    async def rubric(completion: Any, info: Mapping[str, Any]) -> float:
        with _no_zero():
            (grade,) = await source.grade([(info["task_id"], text_of(completion))])
        return _number(grade, "stop")

    return rubric
