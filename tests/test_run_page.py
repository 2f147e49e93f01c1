"""The page of a run: curves, arms, credit by category, outliers; what it claims; hostile responses are inert."""

from types import SimpleNamespace

import pytest
from factory import make_context, published, small_corpus
from hostile import HIDDEN, HOSTILE, LONG, assert_inert
from run_folder import interval, make_run

from flows import trainer
from flows.run_report import draw
from rubric_factory.dataset_version import open_version, task_rows
from rubric_factory.errors import BlockedError, DatasetError
from rubric_factory.progress import Progress
from rubric_factory.reports.run_page import differences, headline, run_page, thinned
from rubric_factory.reports.run_source import WANTED, Shares, read_metrics, read_run, series
from training.reward import ROLLOUTS


def test_a_finished_run_shows_arms_curves_categories_and_outliers(tmp_path):
    folder = make_run(tmp_path / "0123456789abcdef")
    page = run_page(folder)
    text = assert_inert(page)
    for part in ("tuned − base", "above zero", "Held-out tasks", "RL's own tasks", "0.310", "Highest reward", "Longest", "learning_rate"):
        assert part in text, part
    assert text.count("answer 12 0") >= 1, "the response of the highest reward"
    assert page.count("<svg") == 9  # two of arms, reward, loss, length, ungraded, words, credit, reading
    assert "/opt/python" not in page and "SECRET" not in page and str(tmp_path) not in page
    assert run_page(folder) == page


def test_figures_are_those_of_the_files(tmp_path):
    run = read_run(make_run(tmp_path / "run"))
    assert run.rollouts.outcomes == {"graded": 48} and run.dead == {"never": 2, "always": 2, "all": 6}
    assert [row["reward"] for row in run.rollouts.best] == sorted((row["reward"] for row in run.rollouts.best), reverse=True)
    assert run.rollouts.best[0]["step"] == 12 and run.rollouts.best[0]["response_id"] == "12-0-0"
    assert {row["words"] for row in run.rollouts.longest} == {15, 14} and len(run.rollouts.longest) == 5
    assert run.by_arm.mean(WANTED, "tuned") == 1.0 and run.by_arm.mean(WANTED, "base") == 0.5
    assert run.by_step.mean(WANTED, 12) == 0.5 and run.by_step.mean(WANTED, 1) == 0.0
    assert run.by_step.mean("essential", 1) is None


def test_categories_come_from_the_version_where_it_is_at_hand(tmp_path):
    context = make_context(tmp_path / "workspace")
    version = open_version(published(context, small_corpus()))
    criterion = next(iter(task_rows(version, "train")))["rubric"][0]
    named = make_run(tmp_path / "a", dataset=version.path, fingerprint=version.content_fingerprint)
    other = make_run(tmp_path / "b", dataset=version.path)
    assert read_run(named).named_categories and not read_run(other).named_categories
    shares = Shares()
    for category in ("pitfall", criterion["category"], "optional"):
        shares.add(category, "tuned", 0.5)
    assert shares.categories()[0] == "essential" and shares.categories()[-1] == "pitfall"


def test_an_unfinished_run_is_shown_and_none_is_an_error(tmp_path):
    text = assert_inert(run_page(make_run(tmp_path / "run", finished=False)))
    assert "Not finished" in text and "There is no evaluation yet." in text
    with pytest.raises(DatasetError, match="not a training run"):
        run_page(tmp_path)
    (tmp_path / "run" / "summary.json").write_text('{"heldout_reward": {"base": 3}}')
    with pytest.raises(DatasetError, match="cannot be shown"):
        run_page(tmp_path / "run")
    (tmp_path / "run" / "rollouts" / "step-000001-rank0.parquet").write_text("no parquet")
    with pytest.raises(DatasetError, match="cannot read"):
        run_page(tmp_path / "run")


@pytest.mark.parametrize(
    ("base", "constant", "kind"),
    [(0.1, 0.1, "good"), (0.1, 0.01, "none"), (0.01, 0.01, "none"), (-0.1, 0.1, "bad"), (-0.1, -0.1, "bad")],
)
def test_a_gain_is_said_only_where_both_intervals_exclude_zero(base, constant, kind):
    summary = {"tuned_minus_base": interval(base), "tuned_minus_constant": interval(constant), "run_path": "x"}
    assert headline(summary)[0] == kind
    assert [name for name, _, _ in differences(summary)] == ["tuned − base", "tuned − constant"]
    assert headline({})[0] == "none" and headline({"seed": 1})[0] == "none"
    assert headline({"tuned_minus_base": {"mean": None}})[0] == "none"


def test_metrics_are_read_beside_half_written_and_repeated_lines(tmp_path):
    path = tmp_path / "metrics.jsonl"
    lines = ('{"phase": "grpo", "step": 2, "loss": 1}', "[1]", '{"phase": "grpo", "step": 1, "loss": NaN}')
    path.write_text("\n".join([*lines, '{"phase": "grpo", "step": 2, "loss": 3}', '{"ph']))
    assert series(read_metrics(path)["grpo"], "loss") == [(2, 3.0)]
    assert read_metrics(tmp_path / "none") == {}


def test_thinning_keeps_the_mean_and_the_limit():
    points = [(float(x), float(x % 7)) for x in range(1200)]
    found = thinned(points, 300)
    assert len(found) == 300 and sum(y for _, y in found) / 300 == pytest.approx(sum(y for _, y in points) / 1200)
    assert thinned(points[:5]) == points[:5] and thinned([]) == []


def test_hostile_responses_are_inert_and_seen(tmp_path):
    folder = make_run(tmp_path / "run", hostile=HOSTILE + LONG)
    text = assert_inert(run_page(folder))
    for ch in HIDDEN:
        assert f"<U+{ord(ch):04X}>" in text
    assert "<script>document.title" in text and "more characters" in text and LONG not in text
    assert ROLLOUTS.names == ["step", "task_id", "response_id", "response", "words", "tokens", "reward", "outcome"]


def test_a_run_gets_its_page_whether_it_ended_well_or_badly(tmp_path):
    folder = make_run(tmp_path / "run", finished=False)
    draw(folder, folder / "train.log")
    assert (folder / "run.html").read_text() == run_page(folder) and not (folder / "train.log").exists()
    (folder / "summary.json").write_text("half")
    draw(folder, folder / "train.log")
    assert "run.html was not drawn: cannot read" in (folder / "train.log").read_text()


@pytest.mark.parametrize("code", [0, 3])
def test_the_trainer_draws_the_page(tmp_path, monkeypatch, code):
    made = make_run(tmp_path / "made", finished=False)
    spec = SimpleNamespace(run_id="made", save=lambda folder: None)
    process = SimpleNamespace(returncode=code, poll=lambda: code)
    monkeypatch.setattr(trainer, "_start", lambda *arguments: process)
    if code:
        with pytest.raises(BlockedError):
            trainer.train(spec, tmp_path, Progress(quiet=True))
    else:
        assert trainer.train(spec, tmp_path, Progress(quiet=True)) == made
    assert "Not finished" in (made / "run.html").read_text()
