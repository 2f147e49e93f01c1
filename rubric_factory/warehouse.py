"""The DuckDB warehouse: a rebuildable index over the workspace, opened per stage, one writer, locked down to its own folder."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory import sqlfiles
from rubric_factory.errors import MissingExtraError, WorkspaceError
from rubric_factory.tables import TABLES
from rubric_factory.workspace import Workspace, atomic_path

if TYPE_CHECKING:
    import duckdb


# By itself DuckDB takes 80 % of the machine's memory, and folds its log into the file every 16 MB: each time it rewrites the indexes, which
# costs more than the rows of a shard. One thread: a sort under way in each one needs memory of its own.
LIMITS = {"memory_limit": "896MB", "checkpoint_threshold": "512MB", "threads": "1"}


class Warehouse:
    """An open warehouse. Made by `opened`; every statement is a file under sql/."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection", workspace: Workspace) -> None:
        self._connection = connection
        self._workspace = workspace

    def run(self, name: str, /, *, folder: str = "transforms", **parameters: Any) -> pa.Table:
        """Run sql/<folder>/<name>.sql with $named parameters; its rows."""
        result = self._connection.sql(sqlfiles.statement(folder, name), params=parameters or None)
        return pa.table({}) if result is None else result.to_arrow_table()

    def rows(self, name: str, /, *, folder: str = "transforms", **parameters: Any) -> list[dict[str, Any]]:
        """As `run`, rows as dictionaries: for results that are small."""
        rows: list[dict[str, Any]] = self.run(name, folder=folder, **parameters).to_pylist()
        return rows

    def batches(self, name: str, /, *, batch_rows: int = 2000, **parameters: Any) -> Iterator[list[dict[str, Any]]]:
        """As `rows`, streamed: a list of at most batch_rows rows at a time. Nothing else may run on this warehouse meanwhile."""
        result = self._connection.sql(sqlfiles.statement("transforms", name), params=parameters or None)
        for batch in result.to_arrow_reader(batch_rows):
            yield batch.to_pylist()

    @contextlib.contextmanager
    def incoming(self, table: pa.Table) -> Iterator[None]:
        """Make an Arrow table visible to statements as `incoming`."""
        self._connection.register("incoming", table)
        try:
            yield
        finally:
            self._connection.unregister("incoming")

    def fold(self, table: str, rows: pa.Table) -> int:
        """Insert rows into a table, replacing rows of the same key (sql/transforms/fold_<table>.sql). Number of rows."""
        schema, _ = TABLES[table]
        count: int = rows.num_rows
        if count:
            with self.incoming(rows.select(schema.names).cast(schema)):
                self.run(f"fold_{table}")
        return count

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self._connection.begin()
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    def count(self, table: str) -> int:
        """Number of rows of a table."""
        return int(self._connection.table(table).count("*").fetchall()[0][0])

    def table(self, name: str) -> pa.Table:
        """A whole table in key order."""
        schema, key = TABLES[name]
        return self._connection.table(name).order(", ".join(key)).to_arrow_table().cast(schema)

    def export(self, *tables: str) -> None:
        """Write tables/<table>.parquet in key order, streamed. Errors: WorkspaceError on a full disk."""
        for name in tables or tuple(TABLES):
            schema, key = TABLES[name]
            reader = self._connection.table(name).order(", ".join(key)).to_arrow_reader(10_000)
            with (
                atomic_path(self._workspace.tables / f"{name}.parquet") as path,
                pq.ParquetWriter(path, schema, compression="zstd") as writer,
            ):
                for batch in reader:
                    writer.write_table(pa.Table.from_batches([batch]).cast(schema))

    def load(self) -> dict[str, int]:
        """Fill every table from tables/<table>.parquet; rows per table. Columns that came later are null. Errors: WorkspaceError."""
        loaded = {}
        for name, (schema, _) in TABLES.items():
            path = self._workspace.tables / f"{name}.parquet"
            try:
                batches = pq.ParquetFile(path).iter_batches() if path.exists() else iter(())
                loaded[name] = sum(self.fold(name, _with_all_columns(batch, schema)) for batch in batches)
            except (pa.ArrowException, OSError) as error:
                raise WorkspaceError(
                    f"cannot read {path}: {error}",
                    expected="the table as it was exported",
                    fix="restore it, or remove it and run its stage",
                ) from None
        return loaded


def _with_all_columns(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    table = pa.Table.from_batches([batch])
    for field in schema:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table


def _connect(workspace: Workspace, path: Path) -> "duckdb.DuckDBPyConnection":
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError.of("duckdb", "pipeline") from None
    workspace.create()
    try:
        connection = duckdb.connect(str(path))
        connection.execute("SET TimeZone = 'UTC'")
        for name, value in LIMITS.items():
            connection.execute(f"SET {name} = '{value}'")
        connection.execute("SET allowed_directories = [$folder]", {"folder": f"{workspace.root.resolve()}/"})
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise WorkspaceError(
                f"the warehouse {workspace.warehouse} is in use", expected="one command at a time", fix="wait for the other command"
            ) from None
        raise WorkspaceError(
            f"cannot open {workspace.warehouse}: {error}", expected="a DuckDB file", fix="rubric-factory doctor --repair"
        ) from None
    except duckdb.Error as error:
        raise WorkspaceError(f"the warehouse {workspace.warehouse} is damaged: {error}", fix="rubric-factory doctor --repair") from None
    return connection


def migrate(connection: "duckdb.DuckDBPyConnection") -> list[str]:
    """Apply the migrations that this warehouse lacks, each in one transaction with its record; their names."""
    connection.execute(sqlfiles.statement("migrations", "0000_migrations"))
    done = {name for (name,) in connection.execute(sqlfiles.statement("transforms", "migrations")).fetchall()}
    todo = [name for name in sqlfiles.names("migrations") if name not in done and name != "0000_migrations"]
    for name in todo:
        connection.begin()
        connection.execute(sqlfiles.statement("migrations", name))
        connection.execute(sqlfiles.statement("transforms", "add_migration"), {"name": name})
        connection.commit()
    return todo


def exported_rows(workspace: Workspace) -> int:
    """Rows of tables/*.parquet: what a warehouse that is gone can be made from. A file that cannot be read counts as one."""
    rows = 0
    for path in (workspace.tables / f"{name}.parquet" for name in TABLES):
        if path.exists():
            try:
                rows += pq.ParquetFile(path).metadata.num_rows
            except (pa.ArrowException, OSError):
                rows += 1
    return rows


def rebuild(workspace: Workspace) -> dict[str, int]:
    """Make the warehouse anew from tables/*.parquet, beside the old one until it is whole; rows per table. Errors: WorkspaceError."""
    with atomic_path(workspace.warehouse) as path:
        with _opened(workspace, path) as store, store.transaction():
            loaded = store.load()
        # What a damaged or deleted file left: it belongs to no warehouse any more.
        workspace.warehouse.with_name(workspace.warehouse.name + ".wal").unlink(missing_ok=True)
    return loaded


@contextlib.contextmanager
def opened(workspace: Workspace) -> Iterator[Warehouse]:
    """Open, migrate, and on success checkpoint and close. One that is gone is made from the exported tables first.

    Errors: WorkspaceError (in use, damaged), MissingExtraError.
    """
    if not workspace.warehouse.exists() and exported_rows(workspace):
        rebuild(workspace)
    with _opened(workspace, workspace.warehouse) as store:
        yield store


@contextlib.contextmanager
def _opened(workspace: Workspace, path: Path) -> Iterator[Warehouse]:
    connection = _connect(workspace, path)
    try:
        migrate(connection)
        yield Warehouse(connection, workspace)
        connection.execute("CHECKPOINT")
    finally:
        connection.close()
