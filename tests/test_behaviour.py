"""The behaviour author: the extractive author's questions, criteria of conduct bound to checks, nothing that leaks or repeats."""

from dataclasses import replace

from factory import make_passage
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.authoring.behaviour import BehaviourAuthor, shared_subjects
from rubric_factory.gates.protocol import GateInput
from rubric_factory.gates.table import check_task, first_refusal
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.judging.rules import RULES, RulesJudge, rule_of
from rubric_factory.reward import reward_of
from rubric_factory.settings.author import Behaviour, Extractive
from rubric_factory.settings.gates import GateSettings
from rubric_factory.settings.judge import GradingSettings

TEXT = (
    "The write-ahead log is stored in the pg_wal directory because recovery must find every segment after a crash. "
    "A checkpoint flushes all dirty pages to disk and writes a special record to the log file. "
    "If the server runs out of disk space, the archiver stops until an operator removes old segments."
)
PASSAGE = make_passage("papers/d00.pdf", 0, TEXT)


def tasks():
    (authored,) = BehaviourAuthor(Behaviour(), "").write([(PASSAGE, "Reliability and the Write-Ahead Log")])
    return authored.tasks


def test_every_criterion_is_bound_to_one_check_and_to_the_subject():
    assert tasks()
    for task in tasks():
        for criterion in task.rubric.criteria:
            assert rule_of(criterion) in RULES.values()
            subjects = [cue for cue in criterion.verification_cues if cue.startswith("subject:")]
            assert bool(subjects) == (criterion.weight > 0)
            assert all(any(w in task.question.lower() for w in s.removeprefix("subject:").split("|")) for s in subjects)
            assert criterion.required_elements == ()


def test_the_questions_are_the_extractive_authors():
    from rubric_factory.authoring.extractive import ExtractiveAuthor

    (plain,) = ExtractiveAuthor(Extractive(tasks_per_passage=2), "").write([(PASSAGE, "Reliability and the Write-Ahead Log")])
    assert [t.question for t in tasks()] == [t.question for t in plain.tasks]


def test_the_profile_leaves_out_evidence_and_overlap_and_nothing_else():
    item = GateInput(tasks()[0], PASSAGE, "Reliability and the Write-Ahead Log")
    behaviour, standard = (check_task(item, GateSettings(), profile) for profile in ("behaviour", "standard"))
    assert set(standard) - set(behaviour) == {"evidence_verbatim", "prompt_overlap"}
    assert first_refusal(behaviour) is None
    assert first_refusal(standard) == "evidence_verbatim"


def test_an_answer_about_something_else_names_no_subject():
    judge, task = RulesJudge(GradingSettings()), tasks()[0]
    elsewhere = "The printer stops because the paper tray is empty and nobody has filled it."
    own, other = judge.grade_many([JudgeInput.of(task, TEXT, task.reference_answer), JudgeInput.of(task, TEXT, elsewhere)])
    assert reward_of(task.rubric, own) > 0.5
    bound = [c.criterion_key for c in task.rubric.criteria if any(cue.startswith("subject:") for cue in c.verification_cues)]
    assert all(v.level == 0 for v in other.verdicts if v.criterion_key in bound)
    assert reward_of(task.rubric, other) < reward_of(task.rubric, own)


def test_the_identity_names_both_authors():
    author = BehaviourAuthor(Behaviour(), "")
    assert author.identity == "behaviour@1 extractive@2"
    assert all(task.author == author.identity for task in tasks())
    assert all(replace(task).task_id for task in tasks())


@given(st.text(max_size=100), st.text(max_size=100))
def test_subjects_stand_in_both(question, reference):
    found = shared_subjects(question, reference)
    assert len(found) <= 4
    assert all(word in question.lower() and word in reference.lower() for word in found)
