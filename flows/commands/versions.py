"""`versions` and `verify`: what is published, and whether it is intact. They read files and lock nothing."""

from typing import TYPE_CHECKING, Any

import click

from flows.commands.common import Invocation, command

if TYPE_CHECKING:
    from rubric_factory.records import DatasetVersion


def _row(version: "DatasetVersion") -> dict[str, Any]:
    manifest = version.manifest
    return {
        "name": version.name,
        "version": version.version,
        "path": version.path,
        "parent": version.parent,
        "content_fingerprint": version.content_fingerprint,
        "evidence_grade": manifest.get("evidence_grade"),
        "counts": manifest["counts"],
    }


@command("versions")
def versions_command(invocation: Invocation) -> None:
    """List the published versions."""
    from rubric_factory.dataset_version import versions
    from rubric_factory.text import printable

    found = versions(invocation.place().datasets)
    for version in found:
        parent = f"after {version.parent}" if version.parent else "first"
        invocation.say(
            printable(f"{version.name} {version.version}  {parent}  content {version.content_fingerprint[:12]}  {version.path}", 1000)
        )
    if not found:
        invocation.say("no version is published in this workspace yet; rubric-factory publish makes one")
    invocation.result({"versions": [_row(version) for version in found]})


@command("verify")
@click.argument("version", metavar="VERSION|PATH")
def verify_command(invocation: Invocation, version: str) -> None:
    """Check a published version against its manifest.

    Every file's hash, the digest of the folder, both fingerprints recomputed from the rows, ids, spans and splits. VERSION is NAME (its
    latest), NAME@VERSION or VERSION in the workspace, PATH any folder. Exit code 1 when it does not verify.
    """
    from flows.resolve import version_folder
    from rubric_factory.dataset_version import verify

    report = verify(version_folder(invocation, version))
    report.require()
    rows = ", ".join(f"{name} {count}" for name, count in report.rows.items())
    invocation.say(f"{report.version.name} {report.version.version}: {report.files} files intact; {rows}")
    invocation.result({**_row(report.version), "files": report.files, "rows": report.rows, "problems": list(report.problems)})
