"""The workspace: one writer, atomic files, and disk errors in one line."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rubric_factory.errors import WorkspaceError
from rubric_factory.workspace import Workspace, atomic_path, disk_error, write_text

HOLD = (
    "import sys, time, pathlib\n"
    "from rubric_factory.workspace import Workspace\n"
    "with Workspace(pathlib.Path(sys.argv[1])).writing():\n"
    "    print('held', flush=True)\n"
    "    time.sleep(60)\n"
)


def test_every_path_lies_under_the_root(tmp_path):
    workspace = Workspace(tmp_path)
    paths = [getattr(workspace, name) for name in vars(Workspace) if isinstance(vars(Workspace)[name], property)]
    assert len(paths) >= 10
    assert len({str(path) for path in paths}) == len(paths)
    assert all(path.is_relative_to(tmp_path) for path in paths)


def test_one_writer_and_a_killed_one_leaves_no_lock(workspace):
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(workspace.root)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(WorkspaceError, match="another command is writing"), workspace.writing():
            pass
    finally:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    with workspace.writing():
        pass


def test_a_workspace_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(WorkspaceError, match="cannot make the workspace"), Workspace(tmp_path / "file" / "ws").writing():
        pass


def test_a_workspace_that_cannot_be_written_is_one_line(workspace, monkeypatch):
    def refuses(self, *args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))

    workspace.create()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuses)
        with pytest.raises(WorkspaceError, match=r"cannot write .*\.writer: Read-only file system.*fix:"), workspace.writing():
            pass


def test_a_failure_half_way_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a" / "file.txt"
    write_text(target, "old")
    with pytest.raises(KeyboardInterrupt), atomic_path(target) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise KeyboardInterrupt
    assert target.read_text(encoding="utf-8") == "old"
    assert list(target.parent.iterdir()) == [target]


def test_readers_never_see_a_half_written_file(tmp_path):
    target = tmp_path / "file.txt"
    write_text(target, "old")
    with atomic_path(target) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert target.read_text(encoding="utf-8") == "old"
    assert target.read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize(
    ("code", "words"), [(errno.ENOSPC, "no space left"), (errno.EDQUOT, "no space left"), (errno.EROFS, "cannot write")]
)
def test_disk_errors_say_what_to_do(tmp_path, code, words):
    error = disk_error(OSError(code, os.strerror(code)), tmp_path / "x")
    assert words in str(error) and "fix:" in str(error) and "again" in str(error)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_a_workspace_error(tmp_path):
    with pytest.raises(WorkspaceError, match="no space left"), atomic_path(tmp_path / "x") as temporary:
        temporary.symlink_to("/dev/full")
        with temporary.open("w", encoding="utf-8") as handle:
            handle.write("x")
            handle.flush()
    assert list(tmp_path.iterdir()) == []


def test_a_holder_that_ended_frees_the_lock_at_once(workspace):
    for _ in range(2):
        with workspace.writing():
            assert (workspace.root / ".writer").exists()
