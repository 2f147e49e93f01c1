"""judge.lock.json: which judge graded, what it withstood, and a canary of graded answers that shows later whether it is still the same.

A name is no identity: weights behind an unchanged name change. So a lock keeps answers with their verdicts, and verifying grades them anew.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rubric_factory.errors import BlockedError
from rubric_factory.judging import canary
from rubric_factory.judging.canary import Asked
from rubric_factory.judging.ensemble import EnsembleJudge
from rubric_factory.judging.language_model import LanguageModelJudge
from rubric_factory.judging.lock_file import FORMAT, JudgeLock, read_lock, summary, write_lock
from rubric_factory.judging.probes.protocol import ProbeResult, ProbeTask
from rubric_factory.judging.probes.run import failed_errors
from rubric_factory.judging.protocol import Judge
from rubric_factory.records import Judgement
from rubric_factory.settings.judge import Ensemble, JudgeSettings, LockSettings, single_judges

__all__ = ["FORMAT", "JudgeLock", "LockReport", "make_lock", "read_lock", "summary", "verify_lock", "write_lock"]

# What makes the canary's rewards: of verdicts, and of a judge that rates.
AGGREGATION, RATED = "canonical", "rar_implicit"
# The package whose version is the engine's where no reply says so, by backend; a silent server's is not known to us.
_ENGINES = {"vllm": "vllm", "local": "transformers"} | dict.fromkeys(("lexical", "rules", "scripted"), "rubric-factory")
# Draws of a canary grading are fresh, so that no reply comes from the ledger; the range keeps seeds apart from those of the probes.
_DRAWS = (1_000, 100_000_000)


@dataclass(frozen=True, slots=True)
class LockReport:
    """Whether a judge is still the locked one: flips and drift against what the lock allows; detail says it in words."""

    passed: bool
    flips: float
    drift: float
    detail: str


def _engine(backend: str, told: Collection[str] = ()) -> str:
    if told:
        return ", ".join(sorted(told))
    package = _ENGINES.get(backend)
    if package is None:
        return "unknown: a server"
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package}, not installed as a package"


def _refusals(probes: Sequence[ProbeResult], pairs: int, wanted: int) -> list[str]:
    found = [f"{p.name}: {p.value if p.value is None else round(p.value, 4)}, accept {p.accept}" for p in failed_errors(probes)]
    return found + ([f"canary: {pairs} pairs, accept {wanted}"] if pairs < wanted else [])


def _refuse(judge: Judge, refusals: Sequence[str], allowed: bool) -> None:
    if refusals and not allowed:
        raise BlockedError(
            f"the judge {judge.identity} cannot be locked: {'; '.join(refusals)}",
            expected="every error-severity probe passed, and a judge that agrees with itself",
            fix="use a better judge, or say --allow-unlocked-judge: manifest and card will record it",
        )


def make_lock(
    judge: Judge,
    section: JudgeSettings,
    tasks: Sequence[ProbeTask],
    probes: Sequence[ProbeResult],
    settings: LockSettings,
    *,
    seed: int,
    allow_unlocked: bool = False,
) -> JudgeLock:
    """Lock a judge on a canary drawn from the tasks, graded `repeats` times.

    Errors: BlockedError when an error-severity probe failed, the canary falls short, or the judge contradicts itself on it beyond
    max_flip_rate (its own flip rate widens what verifying allows), unless allow_unlocked (recorded in the lock).
    """
    asked = canary.draw(tasks, settings.canary_pairs, seed)
    refusals = _refusals(probes, len(asked), settings.canary_pairs)
    _refuse(judge, refusals, allow_unlocked)
    _forget_names(judge)
    repeats = [canary.grade(judge, asked, draw=number) for number in range(1, settings.repeats + 1)]
    own = canary.flip_rate(asked, repeats)
    if own > settings.max_flip_rate:
        refusals.append(f"canary: flip rate {own:.4f}, accept <= {settings.max_flip_rate}")
        _refuse(judge, refusals, allow_unlocked)
    tasks_of = sorted({answer.probe for answer in asked}, key=_task_id)
    return replace(
        _lock(judge, section, asked, repeats, settings),
        allowed=tuple(refusals),
        tasks=tuple(canary.task_row(probe) for probe in tasks_of),
        probes=tuple(result.to_row() for result in probes),
    )


def _lock(
    judge: Judge, section: JudgeSettings, asked: Sequence[Asked], repeats: Sequence[Sequence[Judgement]], settings: LockSettings
) -> JudgeLock:
    """What the gradings of the canary say of a judge, and of each member of an ensemble; without tasks and probes."""
    pairs, model = canary.settled(asked, repeats), judge if isinstance(judge, LanguageModelJudge) else None
    judges = zip(judge.judges, single_judges(section), strict=True) if isinstance(judge, EnsembleJudge) else ()
    members = tuple(_lock(one, own, asked, _of_member(repeats, index), settings) for index, (one, own) in enumerate(judges))
    engines = dict.fromkeys(member.engine for member in members)
    return JudgeLock(
        identity=judge.identity,
        backend=section.type,
        model=getattr(section, "model", section.type),
        revision=getattr(section, "revision", judge.identity),
        served=tuple(sorted(model.served)) if model else (),
        engine="; ".join(engines) or _engine(section.type, model.engines if model else ()),
        prompt_hash=model.prompt_hash if model else "",
        sampling=section.sampling.model_dump(mode="json") if hasattr(section, "sampling") else {},
        grading=_grading(section),
        evidence_grade=judge.evidence_grade,
        aggregation=RATED if any(judgement.rating for repeat in repeats for judgement in repeat) else AGGREGATION,
        max_flips=settings.max_flips,
        max_drift=settings.max_drift,
        flip_rate=canary.flip_rate(asked, repeats),
        mean_reward=canary.mean_reward(pairs),
        allowed=(),
        tasks=(),
        pairs=pairs,
        probes=(),
        members=members,
    )


def _of_member(repeats: Sequence[Sequence[Judgement]], index: int) -> list[list[Judgement]]:
    """The gradings of one member in those of its ensemble."""
    return [[judgement.members[index] for judgement in repeat] for repeat in repeats]


def _grading(section: JudgeSettings) -> dict[str, Any]:
    if isinstance(section, Ensemble):
        return section.model_dump(mode="json", include={"combine", "min_agreement"})
    return section.grading.model_dump(mode="json")


def _task_id(probe: ProbeTask) -> str:
    return probe.task.task_id


def verify_lock(judge: Judge, lock: JudgeLock, *, draw: int | None = None) -> LockReport:
    """Grade the canary again and compare. draw: fresh by default, so that the judge is asked and not the ledger.

    Refused without a call: another identity, other settings of sampling or grading. Another engine is told and no refusal by itself: what
    it does to the verdicts decides.
    """
    held = _held(judge, lock)
    if judge.identity != lock.identity or not held:
        return LockReport(False, 1.0, 0.0, f"the judge is {judge.identity}, the lock is of {lock.identity}")
    if changed := ", ".join(filter(None, (_settings_changed(one, own) for one, own in held))):
        return LockReport(False, 1.0, 0.0, f"the judge is asked with other settings: {changed}")
    number = draw if draw is not None else _DRAWS[0] + secrets.randbelow(_DRAWS[1])
    asked = canary.asked_again(lock.tasks, lock.pairs)
    _forget_names(judge)
    judged = canary.grade(judge, asked, draw=number)
    first, *members = held
    report = _compared(*first, asked, judged)
    own = [_compared(one, of, asked, [given.members[index] for given in judged]) for index, (one, of) in enumerate(members)]
    failed = [f"its member {of.identity}: {found.detail}" for (_, of), found in zip(members, own, strict=True) if not found.passed]
    if not failed:
        return report
    return replace(report, passed=False, detail="; ".join([*failed, report.detail]))


def _held(judge: Judge, lock: JudgeLock) -> list[tuple[Judge, JudgeLock]]:
    """The judge with its lock, then its members with theirs; none where the lock has other members."""
    judges = judge.judges if isinstance(judge, EnsembleJudge) else ()
    if len(judges) != len(lock.members):
        return []
    return [(judge, lock), *zip(judges, lock.members, strict=True)]


def _compared(judge: Judge, lock: JudgeLock, asked: Sequence[Asked], judged: Sequence[Judgement]) -> LockReport:
    """One grading of the canary against a lock."""
    now = canary.settled(asked, [judged])
    flips = canary.flips(lock.pairs, now)
    drift = canary.mean_reward(now) - lock.mean_reward
    problems = _problems(judge, lock, flips, drift)
    words = "; ".join(problems) or f"{flips:.1%} of the canary's verdicts flipped, mean reward moved by {drift:+.3f}"
    return LockReport(not problems, flips, drift, words + _engine_changed(judge, lock))


def _forget_names(judge: Judge) -> None:
    """Only what the backend calls itself now counts, not what stands in answers from the ledger."""
    for one in judge.judges if isinstance(judge, EnsembleJudge) else (judge,):
        if isinstance(one, LanguageModelJudge):
            one.served.clear()
            one.engines.clear()


def _settings_changed(judge: Judge, lock: JudgeLock) -> str:
    """'temperature 0.7, not 0.0', …; '' where all is as it was locked, or where a judge has no settings of its own (a scripted one)."""
    grading = getattr(judge, "grading", None)
    if grading is None:
        return ""
    sampling = judge.sampling.model_dump(mode="json") if isinstance(judge, LanguageModelJudge) else {}
    now, then = {**sampling, **grading.model_dump(mode="json")}, {**lock.sampling, **lock.grading}
    return ", ".join(f"{key} {now.get(key)}, not {then.get(key)}" for key in sorted(now | then) if now.get(key) != then.get(key))


def _problems(judge: Judge, lock: JudgeLock, flips: float, drift: float) -> list[str]:
    served = tuple(sorted(judge.served)) if isinstance(judge, LanguageModelJudge) else ()
    limit = lock.flip_rate + lock.max_flips
    problems = []
    if served != lock.served:
        problems.append(f"the backend calls itself {', '.join(served) or 'nothing'}, not {', '.join(lock.served) or 'nothing'}")
    if flips > limit:
        problems.append(f"{flips:.1%} of the canary's verdicts flipped, at most {limit:.1%} may")
    if abs(drift) > lock.max_drift:
        problems.append(f"the canary's mean reward moved by {drift:+.3f}, at most {lock.max_drift} is allowed")
    return problems


def _engine_changed(judge: Judge, lock: JudgeLock) -> str:
    if not isinstance(judge, LanguageModelJudge) or not judge.engines or (now := _engine("", judge.engines)) == lock.engine:
        return ""
    return f"; the engine is {now}, it was {lock.engine}"
