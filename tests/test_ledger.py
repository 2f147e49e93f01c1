"""The ledger: what is written down survives, leases end with their process, a call is never handed to two."""

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rubric_factory import sqlfiles
from rubric_factory.errors import WorkspaceError
from rubric_factory.ledger import Answer, Ledger, check_local, disk, file_system

ANSWER = Answer("text \ufffd \x00 é", endpoint="http://host/v1", served_model="served", prompt_tokens=3, completion_tokens=4, seconds=0.5)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


def test_an_answer_is_there_for_whoever_opens_the_file_next(path):
    with Ledger(path) as ledger:
        assert ledger.claim(["a", "b"], "m", "r").mine == ["a", "b"]
        ledger.settle({"a": ANSWER}, {})
    with Ledger(path) as ledger:
        claims = ledger.claim(["a", "b", "c"], "m", "r")
        assert claims.answered == {"a": ANSWER}
        assert claims.mine == ["b", "c"]
        assert (claims.busy, claims.dead) == ([], {})


def test_a_key_under_way_is_given_to_nobody_else(path):
    with Ledger(path) as one, Ledger(path) as two:
        assert one.claim(["a"], "m", "r").mine == ["a"]
        assert two.claim(["a", "b"], "m", "r").busy == ["a"]
        assert one.claim(["a"], "m", "r").busy == ["a"], "two callers in one process share no call either"
        one.settle({"a": ANSWER}, {})
        assert two.claim(["a"], "m", "r").answered == {"a": ANSWER}


def test_released_calls_are_free_at_once_and_count_no_attempt(path):
    with Ledger(path) as one, Ledger(path) as two:
        one.claim(["a"], "m", "r")
        one.settle({}, {}, ["a"], give_up_after=1)
        assert two.claim(["a"], "m", "r").mine == ["a"]
        one.settle({}, {}, ["a"])
        assert one.claim(["a"], "m", "r").busy == ["a"], "nobody releases another's lease"


def test_failed_attempts_lead_to_a_dead_letter_with_its_reason(path):
    with Ledger(path) as ledger:
        for attempt in range(3):
            assert ledger.claim(["a"], "m", "r").mine == ["a"]
            ledger.settle({}, {"a": f"timeout {attempt}"}, give_up_after=3)
        claims = ledger.claim(["a"], "m", "r")
        assert claims.mine == []
        assert claims.dead == {"a": "given up after 3 runs: timeout 2"}
        assert ledger.dead() == [{"key": "a", "attempts": 3, "reason": "timeout 2", "model": "m", "stage": "", "subject": ""}]


def test_a_first_answer_is_never_overwritten(path):
    with Ledger(path) as ledger:
        ledger.claim(["a"], "m", "r")
        ledger.settle({"a": ANSWER}, {})
        ledger.settle({"a": Answer("another")}, {})
        assert ledger.claim(["a"], "m", "r").answered == {"a": ANSWER}


HOLDER = """
import sys, time
from pathlib import Path
from rubric_factory.ledger import Answer, Ledger
ledger = Ledger(Path(sys.argv[1]))
ledger.claim(["a", "b"], "m", "r")
ledger.settle({"b": Answer("kept")}, {})
print("claimed", flush=True)
time.sleep(600)
"""


def test_a_lease_ends_with_its_process_and_not_before(path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"claimed\n"
        with Ledger(path) as ledger:
            assert ledger.claim(["a"], "m", "r").busy == ["a"]
            holder.send_signal(signal.SIGKILL)
            holder.wait()
            claims = ledger.claim(["a", "b"], "m", "r")
            assert claims.mine == ["a"]
            assert claims.answered == {"b": Answer("kept")}
            (lease,) = Path(f"{path}.leases").iterdir()
            assert lease.name.startswith(f"{os.getpid()}-"), "the dead process's lease is cleared away"
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def test_many_threads_share_out_the_keys(path):
    keys = [f"k{i}" for i in range(200)]
    got: list[str] = []
    with Ledger(path) as ledger:

        def work():
            got.extend(ledger.claim(keys, "m", "r").mine)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(got) == sorted(keys)


def test_many_connections_share_out_the_keys(path):
    """As separate processes would: each with a connection and a lease of its own, key by key, so that their claims interleave."""
    keys = [f"k{i}" for i in range(60)]
    got: list[str] = []
    Ledger(path).close()
    start = threading.Barrier(6)

    def work():
        with Ledger(path) as ledger:
            start.wait()
            for key in keys:
                got.extend(ledger.claim([key], "m", "r").mine)
            start.wait()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(keys)


def test_commits_are_durable(path):
    with Ledger(path) as ledger:
        connection = ledger.connection._sqlite
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL


def test_a_failed_transaction_leaves_nothing_behind(path):
    with Ledger(path) as ledger:
        ledger.claim(["a", "b"], "m", "r")
        with pytest.raises(WorkspaceError):
            ledger.settle({"a": ANSWER, "b": Answer(text=None)}, {})  # type: ignore[arg-type]
        assert ledger.summary()[0]["state"] == "in_flight"
        assert ledger.summary()[0]["calls"] == 2


def test_summary_says_what_was_paid(path):
    with Ledger(path) as ledger:
        ledger.claim(["a", "b", "c"], "m", "r")
        ledger.settle({"a": ANSWER, "b": ANSWER}, {"c": "timeout"})
        answered, still_open = ledger.summary()
    assert answered == {
        "model": "m",
        "revision": "r",
        "state": "answered",
        "calls": 2,
        "sent": 2,
        "prompt_tokens": 6,
        "completion_tokens": 8,
        "seconds": 1.0,
    }
    assert (still_open["state"], still_open["calls"]) == ("open", 1)


def test_a_file_that_is_no_ledger_is_named(path):
    path.write_bytes(b"not a database, but long enough to be taken for one " * 100)
    with pytest.raises(WorkspaceError, match=r"ledger\.sqlite is damaged.*fix: restore"):
        Ledger(path)


def test_a_full_disk_is_named(path):
    with Ledger(path) as ledger:
        ledger.connection._sqlite.execute("PRAGMA max_page_count = 1")
        with pytest.raises(WorkspaceError, match="full"):
            ledger.claim([f"{i:064d}" for i in range(500)], "m", "r")
        ledger.connection._sqlite.execute("PRAGMA max_page_count = 1000000")
        assert len(ledger.claim([f"{i:064d}" for i in range(500)], "m", "r").mine) == 500


def test_migrations_are_applied_once(path):
    for _ in range(2):
        Ledger(path).close()
    with sqlite3.connect(path) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM migrations ORDER BY name")]
    assert names[:2] == ["0001_calls", "0002_answers"] and names == sorted(set(sqlfiles.names("ledger_migrations")) - {"0000_migrations"})


MOUNTS = """/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/me/fast\\040disk xfs rw 0 0
broken line
overlay / overlay rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/home/me/work", "nfs4"), ("/home/me/fast disk/w", "xfs"), ("/var/x", "overlay"), ("/home", "nfs4"), ("/homework", "overlay")],
)
def test_file_system_of_a_path(path, kind):
    assert file_system(Path(path), MOUNTS) == kind


def test_network_file_systems_are_refused(tmp_path, monkeypatch):
    check_local(tmp_path)
    monkeypatch.setattr(disk, "file_system", lambda path, mounts: "nfs4")
    with pytest.raises(WorkspaceError, match=r"network file system \(nfs4\).*--workspace"):
        check_local(tmp_path)


def test_a_lease_removed_before_it_was_locked_is_taken_again_under_another_name(path, monkeypatch):
    lock, removed = fcntl.flock, []

    def late(handle, how):
        if how == fcntl.LOCK_EX and not removed:
            removed.extend(two.leases.others() or [Path(handle.name).name])
        lock(handle, how)

    with Ledger(path) as one, Ledger(path) as two:
        monkeypatch.setattr(fcntl, "flock", late)
        assert one.claim(["a"], "m", "r").mine == ["a"]
        assert removed and one.leases.owner not in removed
        assert two.leases.others() == [one.leases.owner]
        assert two.claim(["a"], "m", "r").busy == ["a"]
