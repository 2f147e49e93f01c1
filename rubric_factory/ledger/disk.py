"""Which disk a ledger may lie on: a local one."""

from pathlib import Path

from rubric_factory.errors import WorkspaceError

# File systems where SQLite's locks and shared memory do not hold between machines, or at all.
NETWORK_FILE_SYSTEMS = frozenset(
    [
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.glusterfs",
        "fuse.sshfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "panfs",
        "smb3",
        "smbfs",
    ]
)


def file_system(path: Path, mounts: str) -> str:
    """Type of the file system that holds path (absolute), from the text of /proc/self/mounts; '' if none matches."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " "))
        if (point == path or point in path.parents) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind


def check_local(path: Path) -> None:
    """Refuse a network file system. Where the system does not say (no /proc), nothing is refused. Errors: WorkspaceError."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    kind = file_system(path.resolve(), mounts)
    if kind in NETWORK_FILE_SYSTEMS:
        raise WorkspaceError(
            f"{path} lies on a network file system ({kind})",
            expected="a local disk: the ledger's locks do not hold on a network file system",
            fix="name a local folder with --workspace",
        )
