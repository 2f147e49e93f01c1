"""The wheel in a clean environment: from an empty directory, three documents go from ingest to a published, verified version.

A new venv holds the wheel alone; a .pth file lets it see the packages of the environment that runs the tests, but not
its editable install, so that every one of our own files must have travelled in the wheel. No index is asked.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile

import pytest
from conftest import ROOT

pytestmark = pytest.mark.wheel

SAMPLES = (
    "sqlite3-doc_sqlite3_lang_savepoint.html",
    "postgresql-doc-15_postgresql-doc-15_html_indexes-types.html",
    "r-cran-rcpp_lib_R_site-library_Rcpp_doc_Rcpp-FAQ.pdf",
)
OWN = ("flows", "training", "data_contracts", "rubric_factory", "sql", "configs")
CONFIG = """
name = "three"
seed = 5
[[sources]]
type = "folder"
name = "docs"
path = "docs"
[author]
type = "extractive"
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def factory(wheel, tmp_path_factory):
    """Runs the installed command; `factory.here` is the directory, empty at first."""
    root = tmp_path_factory.mktemp("clean")
    venv.create(root / "env", with_pip=True)
    python = root / "env" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--no-deps", "--no-index", "--disable-pip-version-check", "-q", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    ours = python.parent.parent / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    # A plain path in a .pth file adds the folder without running the .pth files inside it: our editable install stays out.
    (ours / "packages.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    here = root / "empty"
    here.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH" and not name.startswith("RUBRIC_FACTORY_")}

    def run(*arguments):
        command = [str(python.parent / "rubric-factory"), *arguments]
        return subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)

    run.here, run.python, run.environment = here, python, environment
    return run


def test_the_wheel_holds_our_packages_and_every_data_file(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == set(OWN)
    for package in OWN:
        for path in (ROOT / package).rglob("*"):
            if path.suffix in (".py", ".sql", ".toml", ".txt", ".html", ".css"):
                assert path.relative_to(ROOT).as_posix() in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_our_modules_come_from_the_wheel(factory):
    script = f"import importlib; print([importlib.import_module(name).__file__ for name in {OWN!r}])"
    done = subprocess.run(
        [factory.python, "-c", script], cwd=factory.here, env=factory.environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.count(str(factory.python.parent.parent)) == len(OWN)
    assert f"{ROOT}/" not in done.stdout.replace(str(factory.python.parent.parent), "")


def test_the_demo_outside_a_checkout_says_that_it_needs_documents(factory):
    done = factory("demo")
    assert done.returncode == 2
    assert "rubric-factory demo --documents DIR" in done.stderr and done.stderr.count("\n") == 1
    assert list(factory.here.iterdir()) == []


def test_three_documents_from_ingest_to_a_verified_version(factory):
    (factory.here / "docs").mkdir()
    for name in SAMPLES:
        shutil.copy(ROOT / "tests" / "data" / "documents" / name, factory.here / "docs" / name)
    (factory.here / "pipeline.toml").write_text(CONFIG, encoding="utf-8")
    rows = {}
    for command in ("ingest", "passages", "author", "publish"):
        done = factory(command, "--json")
        assert done.returncode == 0, done.stderr
        rows[command] = json.loads(done.stdout.splitlines()[-1])
    assert (rows["ingest"]["documents_seen"], rows["ingest"]["kept"]) == (3, 3)
    assert {"unchanged", "rejections", "seconds", "cpu_seconds", "peak_rss_mb"} <= set(rows["ingest"])
    assert rows["publish"]["stages"][-1]["published"] is True
    verified = factory("verify", "1.0.0", "--json")
    assert verified.returncode == 0, verified.stderr
    row = json.loads(verified.stdout.splitlines()[-1])
    assert row["problems"] == [] and sum(n for name, n in row["rows"].items() if name.startswith("tasks/")) > 0
    manifest = factory.here / "workspace" / "datasets" / "three" / "1.0.0" / "README.md"
    manifest.write_text(manifest.read_text(encoding="utf-8") + "x", encoding="utf-8")
    assert factory("verify", "1.0.0").returncode == 1
