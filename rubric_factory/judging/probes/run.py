"""All probes over a seeded sample of tasks, in a fixed order; the same code for locks, audits and other people's judges."""

import random
from collections.abc import Callable, Sequence

from rubric_factory.errors import UsageError
from rubric_factory.judging.probes import borrowed, degradation, facts, hollow, inflated, injection, labels, stability, stuffing
from rubric_factory.judging.probes.protocol import Bench, Labelled, Probe, ProbeResult, ProbeTask
from rubric_factory.judging.protocol import Judge
from rubric_factory.settings.judge import ProbeSettings

PROBES: tuple[Probe, ...] = (
    hollow.empty,
    hollow.master_keys,
    injection.injection,
    stuffing.stuffing,
    stuffing.constant,
    borrowed.mismatched,
    borrowed.parroting,
    inflated.padding,
    inflated.praise,
    borrowed.reference,
    facts.changed,
    facts.meaning,
    stability.repeats,
    stability.order,
    degradation.degradation,
)


def sample(tasks: Sequence[ProbeTask], size: int, seed: int) -> list[ProbeTask]:
    """At most `size` tasks, drawn by seed, in order of task_id; all where there are fewer."""
    ordered = sorted(tasks, key=lambda probe: probe.task.task_id)
    drawn = ordered if len(ordered) <= size else random.Random(seed).sample(ordered, size)
    return sorted(drawn, key=lambda probe: probe.task.task_id)


def run_probes(
    judge: Judge,
    tasks: Sequence[ProbeTask],
    settings: ProbeSettings,
    seed: int,
    *,
    labelled: Sequence[Labelled] = (),
    own_family: str = "",
    step: Callable[[str], None] = lambda name: None,
) -> list[ProbeResult]:
    """Every probe's results, in the order of PROBES. labelled and own_family serve Youden's J and self-preference: not applicable without.

    step is told each probe's name before it starts. Errors: UsageError without a task; those of the judge.
    """
    if not tasks:
        raise UsageError("there is no task to probe the judge with", expected="at least one task", fix="author and gate tasks first")
    bench = Bench(judge, sample(tasks, settings.sample_tasks, seed), settings, seed)
    results: list[ProbeResult] = []
    for probe in PROBES:
        step(probe.__name__)
        results += probe(bench)
    step("labels")
    return [*results, *labels.youden_j(bench, labelled), *labels.self_preference(bench, labelled, own_family)]


def failed_errors(results: Sequence[ProbeResult]) -> list[ProbeResult]:
    """Results of error severity that did not pass: what keeps a judge from being locked."""
    return [result for result in results if result.severity == "error" and result.passed is False]
