"""Fault injection: whatever one document does to its parser process costs that document, and no process is left behind."""

import os
import signal
import sys
import textwrap

import pytest

from rubric_factory.errors import FactoryError, MissingExtraError
from rubric_factory.extract.isolation import COMMAND, Job, Pool
from rubric_factory.settings.extract import ExtractSettings

SETTINGS = ExtractSettings(workers=2, wall_seconds=30.0, cpu_seconds=30, memory_mb=512, recycle_documents=50)
# A child's peak memory starts at its parent's (Linux); a process that has run a thousand other tests is large.
ROOMY = SETTINGS.model_copy(update={"memory_mb": 16384})
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
        if word == "lie": sys.__stdout__.flush(); os.write(3, b"\\x00\\x00\\x00\\x02[]"); os._exit(0)
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
    assert [reason(outcome) for outcome in run(*words, settings=ROOMY)] == [
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
    assert [reason(outcome) for outcome in run("lie", "a", settings=ROOMY)] == ["worker_crashed", "kept"]


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
        for _ in pool.run(jobs):
            processes = [worker.process for worker in pool._workers]
            raise KeyboardInterrupt
    assert processes and all(process.returncode == -signal.SIGKILL for process in processes)


def test_workers_that_cannot_start(tmp_path):
    (tmp_path / "a").write_text("a")
    jobs = [Job(0, {"path": str(tmp_path / "a"), "max_bytes": 9})]
    with pytest.raises(FactoryError, match="does not start"), Pool(SETTINGS, [sys.executable, "-c", "raise SystemExit(5)"]) as pool:
        list(pool.run(jobs))
    missing = "from rubric_factory.extract.worker import serve\nserve(lambda: __import__('no_such_parser'))"
    with pytest.raises(MissingExtraError, match="no_such_parser"), Pool(SETTINGS, [sys.executable, "-P", "-c", missing]) as pool:
        list(pool.run(jobs))
