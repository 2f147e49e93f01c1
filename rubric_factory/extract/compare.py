"""What is new, changed or gone in the sources since the last ingest: told from entries alone, nothing opened, nothing made."""

from collections.abc import Mapping
from dataclasses import dataclass

from rubric_factory import warehouse
from rubric_factory.extract.shard import Shard, digester, shards_of
from rubric_factory.settings.extract import ExtractSettings
from rubric_factory.sources.protocol import Entry, Reader
from rubric_factory.workspace import Workspace

# The tables that an ingest writes and exports.
TABLES = ("entries", "documents", "rejections")


@dataclass(frozen=True)
class Plan:
    """What a run has to do. refused: entries that are not opened; vanished: keys that no source has any more; seen: all entries.

    seen == unchanged + entries of shards + refused + waiting (those past the limit). behind: an earlier run was stopped before its end.
    documents: what the corpus held before.
    """

    shards: tuple[Shard, ...]
    refused: tuple[Entry, ...]
    vanished: tuple[str, ...]
    seen: int
    unchanged: int
    waiting: int = 0
    behind: bool = False
    documents: int = 0

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.shards or self.refused or self.vanished or self.behind)

    @property
    def to_read(self) -> int:
        """Entries that will be opened."""
        return sum(len(shard.entries) for shard in self.shards)

    @property
    def handled(self) -> list[str]:
        """Keys of all entries of this run."""
        return [entry.document_key for shard in self.shards for entry in shard.entries] + [entry.document_key for entry in self.refused]


def compare(workspace: Workspace, settings: ExtractSettings, readers: Mapping[str, Reader], limit: int | None) -> Plan:
    """Hold every entry against the last ingest. limit: of the first so many entries, in listed order, alone; the others wait."""
    digest = digester(settings)
    last, documents = _last_ingest(workspace)
    present = {path.stem for path in workspace.texts.glob("*.parquet")}
    seen: set[str] = set()
    changed: list[Entry] = []
    unchanged = 0
    for reader in readers.values():
        for entry in reader.entries():
            if entry.document_key in seen:
                raise AssertionError(f"{entry.document_key} is listed twice")
            seen.add(entry.document_key)
            marker, settled, shard = last.get(entry.document_key, (None, None, None))
            if marker == entry.marker and settled == digest(entry) and (shard is None or shard in present):
                unchanged += 1
            elif limit is None or len(seen) <= limit:
                changed.append(entry)
    return Plan(
        shards=shards_of([entry for entry in changed if entry.problem is None], settings),
        refused=tuple(entry for entry in changed if entry.problem is not None),
        vanished=tuple(sorted(last.keys() - seen)),
        seen=len(seen),
        unchanged=unchanged,
        waiting=len(seen) - unchanged - len(changed),
        behind=_behind(workspace),
        documents=documents,
    )


def _last_ingest(workspace: Workspace) -> tuple[dict[str, tuple[str, str, str | None]], int]:
    """Marker, digest and shard of each entry, and the number of documents; none without a warehouse: an estimate must not make one."""
    if not workspace.warehouse.exists() and not warehouse.exported_rows(workspace):
        return {}, 0
    with warehouse.opened(workspace) as house:
        table, documents = house.run("ingest_settled"), house.rows("ingest_kept")[0]["documents"]
    columns = (table[name].to_pylist() for name in ("document_key", "marker", "settings_digest", "shard"))
    return {key: (marker, digest, shard) for key, marker, digest, shard in zip(*columns, strict=True)}, documents


def _behind(workspace: Workspace) -> bool:
    """Whether the exported tables may lag behind the warehouse."""
    return workspace.unfinished("ingest").exists() or not all((workspace.tables / f"{name}.parquet").exists() for name in TABLES)
