"""Fault injection: whatever one document does to its parser process costs that document, and no process is left behind."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from rubric_factory.errors import FactoryError, MissingExtraError
from rubric_factory.extract import isolation
from rubric_factory.extract.isolation import COMMAND, Job, Pool
from rubric_factory.settings.extract import ExtractSettings

SETTINGS = ExtractSettings(workers=2, wall_seconds=30.0, cpu_seconds=30, memory_mb=512, recycle_documents=50)
# A worker whose parser does what the document says: the real serve loop and limits around a hostile parser.
WORKER = """
    import os, signal, sys, time
    from rubric_factory.extract.result import Refused
    from rubric_factory.extract.worker import serve
    served = 0
    def parse(data, request):
        global served
        served += 1
        word = data.decode()
        if word == "crash": os.kill(os.getpid(), signal.SIGSEGV)
        if word == "exit": os._exit(3)
        if word == "hang": time.sleep(3600)
        if word == "spin":
            while True: pass
        if word == "eat": return {"held": len(bytearray(4 << 30))}
        if word == "abort":
            held = bytearray(300 << 20)
            os.abort()
        if word == "second" and served > 1: os._exit(9)
        if word.startswith("write "): os.write(os.open(word[6:], os.O_CREAT | os.O_WRONLY), b"x")
        if word == "print": print("noise"); os.write(1, b"noise"); sys.stdout.flush()
        if word == "lie": os.write(3, b"\\x00\\x00\\x00\\x02[]"); os._exit(0)
        if word == "lie and live": os.write(3, b"\\x00\\x00\\x00\\x02{}"); time.sleep(3600)
        if word == "stop": os.kill(os.getpid(), signal.SIGSTOP)
        if word == "hold": held = bytearray(200 << 20)
        if word == "raise": raise ZeroDivisionError("by zero")
        if word == "deep": return parse(data, request)
        if word == "refuse": raise Refused("ocr_needed", "no text")
        return {"text": word, "environment": sorted(os.environ), "served": served, "process": os.getpid()}
    sys.exit(serve(lambda: parse))
"""


@pytest.fixture
def run(tmp_path):
    command = [sys.executable, "-P", "-c", textwrap.dedent(WORKER)]
    pids: list[int] = []

    def go(*words: str, settings: ExtractSettings = SETTINGS):
        jobs = []
        for index, word in enumerate(words):
            path = tmp_path / f"{index}.txt"
            path.write_text(word)
            jobs.append(Job(index, {"path": str(path), "max_bytes": 1000}))
        with Pool(settings, command) as pool:
            outcomes = {}
            for outcome in pool.run(jobs):
                pids.extend(worker.process.pid for worker in pool._workers)
                assert outcome.index not in outcomes
                outcomes[outcome.index] = outcome
        assert sorted(outcomes) == list(range(len(words)))
        return [outcomes[index] for index in range(len(words))]

    yield go
    for pid in set(pids):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def reason(outcome) -> str:
    if outcome.refused:
        return outcome.refused[0]
    return outcome.reply["refused"][0] if "refused" in outcome.reply else "kept"


def test_a_crash_costs_one_document(run):
    words = ["a", "crash", "b", "exit", "c", "d"]
    assert [reason(outcome) for outcome in run(*words)] == [
        "kept",
        "worker_crashed",
        "kept",
        "worker_crashed",
        "kept",
        "kept",
    ]


def test_the_cause_stands_in_the_detail(run):
    (outcome,) = run("crash")
    assert outcome.refused is not None and outcome.refused[1].startswith("SIGSEGV after ") and "MiB" in outcome.refused[1]


def test_hang_and_endless_loop_are_timeouts(run):
    settings = SETTINGS.model_copy(update={"wall_seconds": 0.7})
    (outcome,) = run("hang", settings=settings)
    assert reason(outcome) == "timeout" and "0.7 s of wall time" in outcome.refused[1]
    (outcome,) = run("spin", settings=SETTINGS.model_copy(update={"cpu_seconds": 1}))
    assert reason(outcome) == "timeout" and "1 s of CPU time" in outcome.refused[1]


def test_memory_bombs(run):
    outcomes = run("a", "eat", "b", "abort", "c")
    assert [reason(outcome) for outcome in outcomes] == ["kept", "out_of_memory", "kept", "out_of_memory", "kept"]
    assert all("limit 512 MiB" in outcomes[index].refused[1] for index in (1, 3))


def test_what_a_parser_raises_is_a_refusal(run):
    assert [reason(outcome) for outcome in run("raise", "deep", "refuse")] == ["unparseable", "unparseable", "ocr_needed"]


def test_a_parser_cannot_write_files_or_garble_replies(run, tmp_path):
    outcomes = run(f"write {tmp_path}/written", "print", "a")
    assert (tmp_path / "written").read_bytes() == b""
    assert [reason(outcome) for outcome in outcomes] == ["unparseable", "kept", "kept"]


def test_a_reply_that_no_worker_writes_is_a_crash(run):
    settings = SETTINGS.model_copy(update={"workers": 1})
    outcomes = run("lie", "a", "lie and live", "b", settings=settings)
    assert [reason(outcome) for outcome in outcomes] == ["worker_crashed", "kept"] * 2


def test_a_large_parent_makes_no_crash_a_memory_bomb(run):
    held = bytearray(700 << 20)
    (outcome,) = run("crash")
    assert reason(outcome) == "worker_crashed" and outcome.peak_mb < 256 < len(held) >> 20


def test_seconds_and_peak_memory_are_those_of_the_document(run):
    first, held, after, refused, crashed = run("a", "hold", "b", "refuse", "crash", settings=SETTINGS.model_copy(update={"workers": 1}))
    assert first.peak_mb < 100 and 200 <= held.peak_mb < 300 and after.peak_mb < 100
    assert refused.refused == ("ocr_needed", "no text") and refused.peak_mb > 0 and 0 < refused.seconds < 5
    assert f"peak {crashed.peak_mb} MiB, limit 512 MiB" in crashed.refused[1]


def test_a_stopped_worker_is_ended_from_outside(run, monkeypatch):
    monkeypatch.setattr(isolation, "GRACE_SECONDS", 0.3)
    outcomes = run("stop", "a", "b", settings=SETTINGS.model_copy(update={"workers": 1, "wall_seconds": 0.7}))
    assert [reason(outcome) for outcome in outcomes] == ["timeout", "kept", "kept"] and outcomes[0].peak_mb > 0


def test_a_request_that_fills_the_pipe_waits_for_an_idle_worker(tmp_path):
    (tmp_path / "a").write_text("word")
    request = {"path": str(tmp_path / "a"), "max_bytes": 9, "text": "x" * 500_000}
    command = [sys.executable, "-P", "-c", textwrap.dedent(WORKER).replace('return {"text": word', 'return {"text": request["text"]')]
    with Pool(SETTINGS, command) as pool:
        outcomes = list(pool.run(Job(index, request) for index in range(20)))
    assert sorted(outcome.index for outcome in outcomes) == list(range(20)) and not any(outcome.refused for outcome in outcomes)


def test_a_crash_in_a_used_process_is_tried_in_a_fresh_one(run):
    settings = SETTINGS.model_copy(update={"workers": 1})
    assert [reason(outcome) for outcome in run("a", "second", "b", settings=settings)] == ["kept"] * 3


def test_processes_are_recycled(run):
    outcomes = run(*"abcdef", settings=SETTINGS.model_copy(update={"workers": 1, "recycle_documents": 2}))
    assert [outcome.reply["served"] for outcome in outcomes] == [1, 2] * 3
    assert len({outcome.reply["process"] for outcome in outcomes}) == 3


def test_secrets_stay_with_the_parent(run, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    (outcome,) = run("a")
    assert "OPENAI_API_KEY" not in outcome.reply["environment"] and "PATH" in outcome.reply["environment"]


def test_files_that_turned_bad_since_they_were_listed(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "grown").write_bytes(b"x" * 2000)
    names = ("fifo", "link", "grown", "gone")
    jobs = [Job(i, {"path": str(tmp_path / n), "max_bytes": 1000, "min_characters": 0, "max_characters": 10}) for i, n in enumerate(names)]
    with Pool(SETTINGS.model_copy(update={"memory_mb": 2048}), COMMAND) as pool:
        found = {outcome.index: reason(outcome) for outcome in pool.run(jobs)}
    assert [found[index] for index in range(4)] == ["unreadable", "unreadable", "too_large", "unreadable"]


def test_an_interrupt_leaves_no_process(tmp_path):
    path = tmp_path / "hang"
    path.write_text("hang")
    (tmp_path / "a").write_text("a")
    with pytest.raises(KeyboardInterrupt), Pool(SETTINGS, [sys.executable, "-P", "-c", textwrap.dedent(WORKER)]) as pool:
        jobs = [Job(0, {"path": str(tmp_path / "a"), "max_bytes": 9}), Job(1, {"path": str(path), "max_bytes": 9})]
        for outcome in pool.run(jobs):
            processes = [worker.process for worker in pool._workers]
            child = outcome.reply["process"]
            raise KeyboardInterrupt
    assert processes and all(process.returncode is not None for process in processes)
    assert not any(running(pid) for pid in (child, *(process.pid for process in processes)))


def test_a_killed_parent_leaves_no_process_behind(tmp_path):
    for word in ("a", "hang"):
        (tmp_path / word).write_text(word)
    parent = f"""
        import sys
        from rubric_factory.extract.isolation import Job, Pool
        from rubric_factory.settings.extract import ExtractSettings
        command = [sys.executable, "-P", "-c", {textwrap.dedent(WORKER)!r}]
        with Pool(ExtractSettings(workers=1, wall_seconds=1.0, memory_mb=512), command) as pool:
            for outcome in pool.run(Job(0, {{"path": {str(tmp_path)!r} + "/" + word, "max_bytes": 9}}) for word in ("a", "hang")):
                print(outcome.reply["process"], pool._workers[0].process.pid, flush=True)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(parent)], stdout=subprocess.PIPE, text=True) as process:
        pids = [int(word) for word in process.stdout.readline().split()]
        process.kill()
    for _ in range(200):
        if not any(running(pid) for pid in pids):
            break
        time.sleep(0.05)
    assert len(pids) == 2 and not any(running(pid) for pid in pids)


def running(pid: int) -> bool:
    """Whether a process exists that has not died yet: one that no one waits for stays in the table where there is no init."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_workers_that_cannot_start(tmp_path):
    (tmp_path / "a").write_text("a")
    jobs = [Job(0, {"path": str(tmp_path / "a"), "max_bytes": 9})]
    with pytest.raises(FactoryError, match="does not start"), Pool(SETTINGS, [sys.executable, "-c", "raise SystemExit(5)"]) as pool:
        list(pool.run(jobs))
    missing = "from rubric_factory.extract.worker import serve\nserve(lambda: __import__('no_such_parser'))"
    with pytest.raises(MissingExtraError, match="no_such_parser"), Pool(SETTINGS, [sys.executable, "-P", "-c", missing]) as pool:
        list(pool.run(jobs))
