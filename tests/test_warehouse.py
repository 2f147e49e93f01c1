"""The warehouse: migrations once, folding twice changes nothing, files rebuild it, damage and a second writer are one clear line."""

import re
import subprocess
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_records import TASK

from rubric_factory import sqlfiles, warehouse
from rubric_factory.errors import WorkspaceError
from rubric_factory.records import Rejection
from rubric_factory.tables import TABLES, rejection_rows, task_to_row
from rubric_factory.workspace import Workspace

REJECTIONS = rejection_rows([Rejection("s/b", "ingest", "too_large", "9 MB"), Rejection("s/a", "ingest", "empty", "")])


def tasks(*rows):
    return pa.Table.from_pylist(list(rows), schema=TABLES["tasks"][0])


def test_every_migration_is_applied_once_and_recorded(workspace):
    workspace.create()
    connection = duckdb.connect(str(workspace.warehouse))
    first = warehouse.migrate(connection)
    assert first == [name for name in sqlfiles.names("migrations") if name != "0000_migrations"]
    assert warehouse.migrate(connection) == []
    recorded = {name for (name,) in connection.execute("SELECT name FROM migrations").fetchall()}
    assert recorded == set(first)


def test_a_failing_migration_leaves_neither_change_nor_record(workspace, monkeypatch):
    workspace.create()
    connection = duckdb.connect(str(workspace.warehouse))
    warehouse.migrate(connection)
    real = sqlfiles.statement
    monkeypatch.setattr(sqlfiles, "names", lambda folder: ("9999_bad",))
    bad = "CREATE TABLE half (a INTEGER); SELECT broken FROM nowhere"
    monkeypatch.setattr(sqlfiles, "statement", lambda folder, name: bad if name == "9999_bad" else real(folder, name))
    with pytest.raises(duckdb.Error):
        warehouse.migrate(connection)
    connection.close()
    again = duckdb.connect(str(workspace.warehouse))
    assert again.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'half'").fetchall() == [(0,)]
    assert again.execute("SELECT count(*) FROM migrations WHERE name = '9999_bad'").fetchall() == [(0,)]


def test_migrated_tables_have_exactly_the_columns_of_the_schemas(workspace):
    with warehouse.opened(workspace) as store:
        for name, (schema, key) in TABLES.items():
            assert store.table(name).schema == schema, name
            assert set(key) <= set(schema.names)


def test_folding_twice_is_folding_once_and_a_new_row_replaces_by_key(workspace):
    row = task_to_row(TASK)
    with warehouse.opened(workspace) as store:
        for _ in range(2):
            store.fold("tasks", tasks(row))
            store.fold("rejections", REJECTIONS)
        assert store.count("tasks") == 1
        assert store.table("tasks").to_pylist() == [row]
        assert store.table("rejections").column("record_id").to_pylist() == ["s/a", "s/b"]
        store.fold("rejections", rejection_rows([Rejection("s/a", "ingest", "too_large", "")]))
        assert store.count("rejections") == 2
        assert store.table("rejections").to_pylist()[0]["reason"] == "too_large"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), min_size=1, max_size=5, unique=True))
def test_any_text_survives_fold_export_load(tmp_path_factory, words):
    workspace = Workspace(tmp_path_factory.mktemp("any"))
    rows = rejection_rows([Rejection(word, "ingest", "empty", word[::-1]) for word in words])
    with warehouse.opened(workspace) as store:
        store.fold("rejections", rows)
        before = store.table("rejections")
        store.export("rejections")
    workspace.warehouse.unlink()
    with warehouse.opened(workspace) as store:
        store.load()
        assert store.table("rejections") == before


def test_export_is_byte_identical_and_load_gives_every_row_back(workspace):
    with warehouse.opened(workspace) as store:
        store.fold("tasks", tasks(task_to_row(TASK)))
        store.fold("rejections", REJECTIONS)
        store.export()
        first = {path.name: path.read_bytes() for path in workspace.tables.iterdir()}
        store.export()
        assert {path.name: path.read_bytes() for path in workspace.tables.iterdir()} == first
    assert set(first) == {f"{name}.parquet" for name in TABLES}
    workspace.warehouse.unlink()
    with warehouse.opened(workspace) as store:
        loaded = store.load()
        assert loaded == {**dict.fromkeys(TABLES, 0), "tasks": 1, "rejections": 2}
        assert store.table("tasks").to_pylist() == [task_to_row(TASK)]


def test_a_deleted_warehouse_comes_back_from_the_tables_and_never_empties_them(workspace):
    with warehouse.opened(workspace) as store:
        store.fold("rejections", REJECTIONS)
        store.export()
    before = (workspace.tables / "rejections.parquet").read_bytes()
    workspace.warehouse.unlink()
    workspace.warehouse.with_name("warehouse.duckdb.wal").write_bytes(b"of the deleted one")
    with warehouse.opened(workspace) as store:
        assert store.count("rejections") == 2
        store.export()
    assert (workspace.tables / "rejections.parquet").read_bytes() == before
    assert sorted(path.name for path in workspace.root.iterdir()) == ["tables", "warehouse.duckdb"]


def test_a_rebuild_that_fails_leaves_everything_as_it_was(workspace):
    with warehouse.opened(workspace) as store:
        store.fold("rejections", REJECTIONS)
        store.export("rejections")
    damaged = workspace.tables / "tasks.parquet"
    damaged.write_bytes(b"PAR1")
    kept = workspace.warehouse.read_bytes()
    with pytest.raises(WorkspaceError, match=r"cannot read .*tasks\.parquet"):
        warehouse.rebuild(workspace)
    assert workspace.warehouse.read_bytes() == kept
    workspace.warehouse.unlink()
    with pytest.raises(WorkspaceError, match=r"cannot read .*tasks\.parquet"), warehouse.opened(workspace):
        pass
    assert not workspace.warehouse.exists() and damaged.exists()


def test_a_table_exported_before_a_column_was_there_loads_with_nulls(workspace):
    entry = {"document_key": "s/a", "source": "s", "size_bytes": 1, "settings_digest": "d", "marker": "m"}
    with warehouse.opened(workspace) as store:
        store.fold("entries", pa.Table.from_pylist([entry], schema=TABLES["entries"][0]))
        store.export("entries")
    path = workspace.tables / "entries.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["marker"]), path)
    warehouse.rebuild(workspace)
    with warehouse.opened(workspace) as store:
        assert store.table("entries").to_pylist() == [entry | {"marker": None}]


def test_a_transaction_is_all_or_nothing(workspace):
    with warehouse.opened(workspace) as store:
        with pytest.raises(KeyboardInterrupt), store.transaction():
            store.fold("rejections", REJECTIONS)
            raise KeyboardInterrupt
        assert store.count("rejections") == 0


def test_rows_of_a_killed_process_are_those_it_committed(workspace):
    script = (
        "import os, sys, pathlib\n"
        "from rubric_factory import warehouse\n"
        "from rubric_factory.records import Rejection\n"
        "from rubric_factory.tables import rejection_rows\n"
        "from rubric_factory.workspace import Workspace\n"
        "with warehouse.opened(Workspace(pathlib.Path(sys.argv[1]))) as store:\n"
        "    with store.transaction():\n"
        "        store.fold('rejections', rejection_rows([Rejection('kept', 'ingest', 'empty')]))\n"
        "    store._connection.begin()\n"
        "    store.fold('rejections', rejection_rows([Rejection('lost', 'ingest', 'empty')]))\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(workspace.root)], check=False)
    assert done.returncode == -9
    with warehouse.opened(workspace) as store:
        assert store.table("rejections").column("record_id").to_pylist() == ["kept"]


@pytest.mark.parametrize("content", [b"not a database at all " * 50, b"\x00" * 5000])
def test_a_damaged_file_is_one_error_that_names_the_repair(workspace, content):
    workspace.create()
    workspace.warehouse.write_bytes(content)
    with pytest.raises(WorkspaceError, match="doctor --repair"), warehouse.opened(workspace):
        pass


def test_a_second_process_is_told_that_the_warehouse_is_in_use(workspace):
    script = (
        "import sys, pathlib\n"
        "from rubric_factory import warehouse\n"
        "from rubric_factory.workspace import Workspace\n"
        "with warehouse.opened(Workspace(pathlib.Path(sys.argv[1]))):\n"
        "    pass\n"
    )
    with warehouse.opened(workspace):
        done = subprocess.run([sys.executable, "-c", script, str(workspace.root)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is in use" in done.stderr.splitlines()[-1]


def test_statements_cannot_reach_outside_the_workspace(workspace, tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_text("a\n1\n", encoding="utf-8")
    with warehouse.opened(workspace) as store, pytest.raises(duckdb.Error):
        store._connection.execute("SELECT * FROM read_csv($path)", {"path": str(outside)}).fetchall()
    with warehouse.opened(workspace) as store, pytest.raises(duckdb.Error):
        store._connection.execute("SET enable_external_access = true")


def test_every_statement_says_what_one_row_is():
    for folder in ("migrations", "transforms"):
        for name in sqlfiles.names(folder):
            assert re.match(r"-- (One row per|One row:|No row:) ", sqlfiles.statement(folder, name)), f"{folder}/{name}"
