"""Reading and verifying a published version: rows come back whole, and no change to a folder goes unnoticed."""

import json
import shutil
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from factory import make_context, published, small_corpus

from rubric_factory import dataset_files
from rubric_factory.dataset_files import content_fingerprint, files_map, folder_digest
from rubric_factory.dataset_version import ancestors, grounding, latest, open_version, policy, semantic, task_rows, tasks, verify, versions
from rubric_factory.errors import DatasetError
from rubric_factory.publishing.parquet import write_split
from rubric_factory.tables import PUBLISHED, SPLITS


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    root = tmp_path_factory.mktemp("original")
    return published(make_context(root), small_corpus(8))


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "datasets" / "unit" / "1.0.0")


def test_tasks_come_back_as_they_were_written(folder):
    version = open_version(folder)
    written = {task.task_key: task for task in small_corpus(8).tasks}
    read = {task.task_key: task for split in SPLITS for task in tasks(version, split)}
    assert read == written
    for split in SPLITS:
        ids = [task.task_id for task in tasks(version, split)]
        assert ids == [row["task_id"] for row in policy(version, split)] == [row["task_id"] for row in task_rows(version, split)]
    texts = grounding(version)
    for task in read.values():
        for criterion in task.rubric.criteria:
            for span in criterion.evidence:
                assert texts[task.passage_id]["text"][span.start : span.end] == span.quote
    assert grounding(version, "test").keys() < texts.keys()


def test_versions_are_ordered_by_number_and_only_whole_ones_count(folder):
    datasets = folder.parents[1]
    for number in ("1.10.0", "1.9.0"):
        target = shutil.copytree(folder, folder.parent / number)
        manifest = json.loads((target / "manifest.json").read_text())
        parent = {"1.9.0": "1.0.0", "1.10.0": "1.9.0"}[number]
        (target / "manifest.json").write_text(json.dumps(manifest | {"version": number, "parent": parent}))
    (folder.parent / "2.0.0").mkdir()
    (folder.parent / "notes").mkdir()
    assert [v.version for v in versions(datasets)] == ["1.0.0", "1.9.0", "1.10.0"] == [v.version for v in versions(datasets, "unit")]
    assert latest(datasets, "unit").version == "1.10.0" and latest(datasets, "other") is None
    assert versions(datasets / "none") == []
    assert [v.version for v in ancestors(datasets, "unit", "1.10.0")] == ["1.10.0", "1.9.0", "1.0.0"]
    shutil.rmtree(folder.parent / "1.9.0")
    with pytest.raises(DatasetError, match="not a dataset version"):
        ancestors(datasets, "unit", "1.10.0")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"parent": "1.0.0"}))
    with pytest.raises(DatasetError, match="circle"):
        ancestors(datasets, "unit", "1.0.0")
    with pytest.raises(DatasetError, match="MAJOR"):
        semantic("1.0")


def test_an_intact_version_verifies(folder):
    report = verify(folder)
    assert report.ok and report.rows["tasks/train"] > 0
    assert sum(report.rows[f"tasks/{split}"] for split in SPLITS) == 16 and report.files == len(files_map(folder))
    report.require()


def every_file(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json")


def test_one_changed_byte_in_any_file_is_found(folder):
    for path in every_file(folder):
        before = path.read_bytes()
        path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        problems = verify(folder).problems
        name = path.relative_to(folder).as_posix()
        assert f"{name} is not the file that was published" in problems
        path.write_bytes(before)
    assert verify(folder).ok


def test_missing_and_unlisted_files_are_found(folder):
    (folder / "tasks" / "train-00001-of-00002.parquet").write_bytes(b"x")
    assert "tasks/train-00001-of-00002.parquet is not listed in the manifest" in verify(folder).problems
    (folder / "tasks" / "train-00001-of-00002.parquet").unlink()
    (folder / "hidden").symlink_to("/etc/hosts")
    assert "hidden is not listed in the manifest" in verify(folder).problems
    (folder / "hidden").unlink()
    shutil.move(folder / "settings.json", folder.parent / "away")
    assert "settings.json is missing" in verify(folder).problems
    (folder / "settings.json").symlink_to(folder.parent / "away")
    assert "settings.json is not the file that was published" in verify(folder).problems
    with pytest.raises(DatasetError, match="does not verify"):
        verify(folder).require()


def relisted(folder, **changes):
    """A forger's manifest: files and folder_digest made to fit."""
    manifest = json.loads((folder / "manifest.json").read_text())
    files = files_map(folder)
    manifest |= {"files": files, "folder_digest": folder_digest(files), **changes}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def edit_rows(folder, config, split, change):
    rows = pq.read_table(folder / config / f"{split}-00000-of-00001.parquet").to_pylist()
    change(rows)
    write_split(folder, config, split, rows)


def test_changed_rows_are_found_even_under_a_manifest_made_to_fit(folder):
    edit_rows(folder, "tasks", "train", lambda rows: rows[0].update(reference_answer="Another."))
    relisted(folder)
    problems = verify(folder).problems
    assert "content_fingerprint is not that of the rows" in problems
    assert any(problem.startswith("ids_from_content") for problem in problems)
    relisted(folder, content_fingerprint=content_fingerprint(folder))
    problems = verify(folder).problems
    assert "contracts.json is not a pass of this content" in problems
    with pytest.raises(DatasetError, match="changed after publishing"):
        list(tasks(open_version(folder), "train"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda m: m["files"].update({"README.md": "0" * 64}), "README.md is not the file"),
        (lambda m: m.update(folder_digest="0" * 64), "folder_digest is not"),
        (lambda m: m.update(content_fingerprint="0" * 64), "content_fingerprint is not"),
        (lambda m: m.update(card_fingerprint="0" * 64), "card_fingerprint is not"),
        (lambda m: m.update(schema_fingerprint="0" * 64), "schema_fingerprint is not"),
        (lambda m: m["counts"]["tasks"].update(train=99), "counts are not"),
        (lambda m: m["counts"]["documents"].update(test=99), "counts are not those of the rows: documents"),
        (lambda m: m["counts"]["grounding"].update(test=99), "counts are not those of the rows: grounding"),
        (lambda m: m["licences"].update({"CC0-1.0": 1}), "licences are not"),
        (lambda m: m["licences"].clear(), "licences are not"),
        (lambda m: m.update(evidence_grade="model"), "evidence_grade is not"),
        (lambda m: m.update(author="honest@1"), "author is not"),
        (lambda m: m.update(judge="judge@1"), "judge is not"),
        (lambda m: m.update(settings_sha256="0" * 64), "settings_sha256 is not"),
        (lambda m: m["gates"]["spans"].update(refused=7), "gates are not those of the card"),
        (lambda m: m["gates"].pop("style"), "gates are not those of the card"),
        (lambda m: m["rejections"].setdefault("gate", {}).update(leakage=1), "rejections are not those of the card"),
        (lambda m: m.update(gates=[3]), "gates or rejections cannot be read"),
        (lambda m: m.update(author=["honest@1"]), "author is not"),
        (lambda m: m.update(contract_profile="release"), "contract_profile is not"),
        (lambda m: m.update(parent="1.0.0"), "is no next version of its parent 1.0.0"),
        (lambda m: m.update(parent="older"), "version or parent is no version"),
        (lambda m: m.update(version="1.1.0", parent=None), "is no next version of its parent None"),
        (lambda m: m["splits"]["documents"].clear(), "as_assigned"),
        (lambda m: m.update(version="9.9.9"), "its manifest says 9.9.9"),
        (lambda m: m["files"].update({"../../outside": "0" * 64}), "../../outside is missing"),
    ],
)
def test_a_changed_manifest_is_found(folder, change, problem):
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert any(problem in found for found in verify(folder).problems)


def test_a_folder_without_a_usable_manifest_is_an_error(folder):
    for text in ("", "[]", "{}", '{"name": 3}'):
        (folder / "manifest.json").write_text(text)
        with pytest.raises(DatasetError):
            verify(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(DatasetError, match="not a dataset version"):
        open_version(folder)


def test_an_unreadable_table_is_a_problem_not_a_crash(folder):
    (folder / "grounding" / "test-00000-of-00001.parquet").write_bytes(b"PAR1")
    relisted(folder)
    assert any("cannot read" in problem for problem in verify(folder).problems)
    shutil.rmtree(folder / "grounding")
    relisted(folder)
    assert any("has no grounding" in problem for problem in verify(folder).problems)


def test_content_fingerprint_is_of_rows_and_columns_not_of_files(folder):
    before = content_fingerprint(folder)
    for config in PUBLISHED:
        rows = pq.read_table(folder / config / "test-00000-of-00001.parquet").to_pylist()
        (folder / config / "test-00000-of-00001.parquet").unlink()
        write_split(folder, config, "test", rows, shard_rows=1)
        assert len(list((folder / config).glob("test-*.parquet"))) == len(rows) > 1
    assert content_fingerprint(folder) == before
    path = folder / "tasks" / "train-00000-of-00001.parquet"
    pq.write_table(pq.read_table(path).rename_columns({"genre": "kind"}), path)
    assert content_fingerprint(folder) != before


def test_golden_digests():
    """Fixed for ever: another value would make every published version look changed."""
    assert dataset_files.canonical({"b": [1, None, "é"], "a": 0.5}) == '{"a":0.5,"b":[1,null,"é"]}'
    assert dataset_files.digest({"b": 1, "a": "é"}) == "aa58fba8483623bed37c1b02edfccbdd9a53123837c20bfa4cb4049993a2872e"
    assert folder_digest({"b": "2", "a": "1"}) == folder_digest({"a": "1", "b": "2"})
    described = dataset_files.describe_schema(PUBLISHED["policy"])
    assert described == [["task_id", "string"], ["prompt", [{"role": "string", "content": "string"}]]]


def test_reading_needs_the_base_install_only(folder):
    code = (
        "import sys; from pathlib import Path\n"
        "from rubric_factory.dataset_version import open_version, tasks, verify\n"
        "folder = Path(sys.argv[1]); assert verify(folder).ok; assert list(tasks(open_version(folder), 'train'))\n"
        "heavy = {'duckdb', 'datasets', 'pandas', 'great_expectations', 'torch', 'prefect'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
