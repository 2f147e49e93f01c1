"""Answers borrowed from elsewhere: another document's reference, the question, the rubric's titles; and the task's own reference."""

import random

from rubric_factory.judging.probes.protocol import Bench, ProbeResult, ProbeTask, rewards


def mismatched_answers(tasks: list[ProbeTask], seed: int) -> list[tuple[ProbeTask, str]]:
    """Per task the reference of a task of another document, of the same genre where there is one. None with a single document."""
    draw = random.Random(seed)
    found = []
    ordered = sorted(tasks, key=lambda probe: probe.task.task_id)
    for probe in ordered:
        others = [o for o in ordered if o.task.document_key != probe.task.document_key]
        same = [o for o in others if o.genre == probe.genre] or others
        if same:
            found.append((probe, draw.choice(same).task.reference_answer))
    return found


def mismatched(bench: Bench) -> list[ProbeResult]:
    """Mean reward of another document's reference."""
    answers = bench.grade(mismatched_answers(list(bench.tasks), bench.seed))
    return [bench.result("mismatched", rewards(answers), accept=bench.settings.mismatched, severity="error")]


def parroting(bench: Bench) -> list[ProbeResult]:
    """Mean reward of the question given back, and of the rubric's titles."""
    questions = bench.grade(
        [(p, answer) for p in bench.tasks for answer in (p.task.question, p.task.question.rstrip("?") + ".", f"{p.task.question}\n" * 2)]
    )
    titles = bench.grade([(p, ". ".join(c.title for c in p.task.rubric.criteria if c.weight > 0) + ".") for p in bench.tasks])
    accept = bench.settings.parroting
    return [
        bench.result("parroting_question", rewards(questions), accept=accept, severity="error"),
        bench.result("parroting_titles", rewards(titles), accept=accept, severity="error"),
    ]


def reference(bench: Bench) -> list[ProbeResult]:
    """Mean reward of the task's own reference answer."""
    answers = bench.grade([(probe, probe.task.reference_answer) for probe in bench.tasks])
    return [bench.result("reference", rewards(answers), accept=bench.settings.reference, severity="warning", floor=True)]
