"""Progress: what a person sees, and what `status` reads."""

import io
import json
import time

import pytest

from rubric_factory import progress
from rubric_factory.progress import Progress, Step, duration


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [time.monotonic()]  # a step's own start is the real clock's
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_line_says_what_how_many_of_how_many_rate_and_time_left(clock):
    step = Step("ingest", "documents", 400, io.StringIO(), None, started=clock[0])
    clock[0] += 10
    step.done = 100
    assert step.line() == "ingest     100/400 documents  10.0/s  00:30 left"


def test_without_a_total_there_is_no_time_left(clock):
    step = Step("author", "passages", None, io.StringIO(), None, started=clock[0])
    clock[0] += 2
    step.done = 3
    assert step.line() == "author     3 passages  1.5/s"


@pytest.mark.parametrize(("stream", "separator", "lines"), [(Terminal(), "\r", 4), (io.StringIO(), "\n", 2)])
def test_a_terminal_gets_a_bar_in_place_and_a_file_a_line_now_and_then(clock, stream, separator, lines):
    with Progress(stream=stream).step("gate", 4, "tasks") as step:
        for seconds in (11, 1, 1, 11):
            clock[0] += seconds
            step.advance()
    shown = stream.getvalue()
    assert shown.count(f" left{separator}") == lines
    assert shown.endswith("gate       4 tasks  in 24.0 s\n")
    assert ("\x1b" in shown) == stream.isatty()


def test_the_file_says_running_then_done(tmp_path, clock):
    with Progress(tmp_path, stream=io.StringIO()).step("ingest", 5, "documents") as step:
        clock[0] += 2
        step.advance(2)
        row = json.loads((tmp_path / "ingest.json").read_text(encoding="utf-8"))
        assert (row["state"], row["done"], row["total"], row["unit"]) == ("running", 2, 5, "documents")
        step.advance(3)
    assert json.loads((tmp_path / "ingest.json").read_text(encoding="utf-8"))["state"] == "done"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupted_step_says_stopped_and_the_error_goes_on(tmp_path, error):
    stream = io.StringIO()
    with pytest.raises(error), Progress(tmp_path, stream=stream).step("ingest", 5, "documents") as step:
        step.advance()
        raise error
    assert "1/5 documents" in stream.getvalue() and stream.getvalue().endswith("stopped\n")
    assert json.loads((tmp_path / "ingest.json").read_text(encoding="utf-8"))["state"] == "stopped"


def test_a_progress_file_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with Progress(tmp_path / "file", stream=io.StringIO()).step("ingest", 1, "documents") as step:
        step.advance()
    assert step.done == 1


def test_quiet_shows_nothing(capsys):
    with Progress(quiet=True).step("ingest", 1, "documents") as step:
        step.advance()
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.parametrize(("seconds", "shown"), [(0, "00:00"), (61.9, "01:01"), (3723, "1:02:03")])
def test_duration(seconds, shown):
    assert duration(seconds) == shown
