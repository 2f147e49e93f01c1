"""The command line: help is quick and complete, every error is one line with its exit code, JSON is the last line of stdout."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from conftest import ROOT

from flows import cli, pipeline
from flows.commands import demo
from rubric_factory import errors
from rubric_factory.settings import load_settings
from rubric_factory.stages import StageReport
from rubric_factory.workspace import Workspace

CONFIG = """
name = "tiny"
seed = 1
workspace = "ws"
[[sources]]
type = "folder"
name = "docs"
path = "docs"
licence = "CC0-1.0"
[author]
type = "extractive"
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "pipeline.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def stage(monkeypatch):
    """Replace what a stage does: stage(action) makes run_stage call action(context)."""

    def replace(action):
        monkeypatch.setattr(pipeline, "run_stage", lambda name, context, **options: action(context) or StageReport(name, {"kept": 1}))

    return replace


def fail(error):
    def action(_):
        raise error

    return action


def test_help_names_every_command_and_imports_none_of_them():
    script = (
        "import sys\n"
        "from flows import cli\n"
        "code = cli.run(['--help'])\n"
        "heavy = {'pydantic', 'pyarrow', 'duckdb', 'numpy', 'prefect', 'great_expectations', 'torch', 'rich'} & set(sys.modules)\n"
        "own = [m for m in sys.modules if m.startswith('flows.commands.') and m != 'flows.commands.common']\n"
        "print(code, sorted(heavy), own)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 [] []"
    assert all(f"\n  {name} " in done.stdout for name in cli.COMMANDS)


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_has_the_common_options_and_the_help_that_is_listed(name):
    made = cli.cli.get_command(click.Context(cli.cli), name)
    flags = {flag for parameter in made.params for flag in parameter.opts}
    assert {"--config", "--workspace", "--json", "--debug"} <= flags
    assert made.help.splitlines()[0] == cli.COMMANDS[name][1]
    assert all(parameter.help for parameter in made.params if isinstance(parameter, click.Option))


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (errors.FactoryError("a", expected="b", fix="c"), 1, "error: a; expected b; fix: c"),
        (errors.ConfigurationError("bad key"), 2, "error: bad key"),
        (errors.MissingExtraError.of("duckdb", "pipeline"), 2, "error: the package 'duckdb' is not installed"),
        (errors.BlockedError("contract refused"), 3, "error: contract refused"),
        (errors.DatasetError("broken"), 1, "error: broken"),
        (KeyboardInterrupt(), 130, "stopped; what was finished is kept; run the same command again to continue"),
        (errors.Interrupted("x"), 130, "stopped;"),
        (OSError(28, "No space left on device"), 1, "error: no space left on the disk"),
        (RuntimeError("IO Error: No space left on device"), 1, "error: no space left on the disk"),
        (
            ZeroDivisionError("secret \x1b[31m text"),
            1,
            "error: unexpected ZeroDivisionError: secret <U+001B>[31m text; fix: run again with",
        ),
    ],
)
def test_every_error_is_one_line_with_its_exit_code(here, stage, capsys, error, code, line):
    stage(fail(error))
    assert cli.run(["passages"]) == code
    captured = capsys.readouterr()
    shown = captured.err.lstrip("\n")  # after ^C the line begins anew
    assert shown.startswith(line) and shown.count("\n") == 1
    assert captured.out == ""


def test_debug_shows_the_traceback_before_the_line(here, stage, capsys):
    stage(fail(ZeroDivisionError("x")))
    assert cli.run(["passages", "--debug"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback") and lines[-1].startswith("error: unexpected ZeroDivisionError")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nonsense"], "nonsense"),
        (["ingest", "--nonsense"], "--nonsense"),
        (["passages", "--config", "nowhere.toml"], "nowhere.toml"),
        (["ingest", "missing"], "unknown source 'missing'"),
        (["ingest", "tape:docs"], "unknown source 'tape:docs'"),
        (["ingest", "folder:a/x", "folder:b/x"], "two sources are named 'x'"),
        (["ingest", "folder:nowhere"], "nowhere"),
        (["ingest"], "empty corpus"),
        (["rebuild"], "empty corpus"),
        (["rebuild", "folder:nowhere"], "nowhere"),
        (["demo", "--documents", "docs", "--out", "ws"], "empty corpus"),
        (["verify", "9.9.9"], "9.9.9"),
        (["verify", "a/b/c"], "a/b/c"),
        (["inspect", "nothing"], "nothing"),
        (["demo", "--documents", "missing"], "missing"),
    ],
)
def test_usage_errors_exit_2_and_name_what_was_wrong(here, capsys, arguments, named):
    assert cli.run(arguments) == 2
    captured = capsys.readouterr()
    assert named in captured.err and "fix:" in captured.err and captured.err.count("\n") == 1
    assert sorted(path.name for path in here.iterdir()) == ["docs", "pipeline.toml"]  # no workspace was made


@pytest.mark.parametrize(
    "arguments", [["versions"], ["verify", "1.0.0"], ["status"], ["inspect", "x"], ["doctor"], ["judge", "probe", "staged"]]
)
def test_an_unknown_variable_is_refused_by_commands_that_read_no_configuration_too(here, capsys, monkeypatch, arguments):
    monkeypatch.setenv("RUBRIC_FACTORY_SEDE", "1")
    assert cli.run([*arguments, "--workspace", "other"]) == 2
    assert "unknown environment variable RUBRIC_FACTORY_SEDE" in capsys.readouterr().err
    assert not (here / "other").exists()


def test_an_unknown_key_leads_to_the_command_that_lists_them(here, capsys):
    (here / "pipeline.toml").write_text(CONFIG + "[passages]\nmin_wrods = 3\n", encoding="utf-8")
    assert cli.run(["passages"]) == 2
    error = capsys.readouterr().err
    assert "passages.min_wrods" in error and "docs/" not in error
    (listed,) = set(re.findall("`rubric-factory (.*?)`", error))
    assert cli.run(listed.split()) == 0
    shown = capsys.readouterr().out
    assert "| `min_words` |" in shown and "[passages]" in shown
    assert not (here / "ws").exists()


def test_json_is_the_last_line_of_stdout_for_results_and_errors(here, stage, capsys):
    stage(lambda context: None)
    assert cli.run(["passages", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"stage": "passages", "kept": 1, "rejections": {}, "seconds": 0.0}
    stage(fail(errors.BlockedError("no")))
    assert cli.run(["publish", "--json"]) == 3
    captured = capsys.readouterr()
    assert json.loads(captured.out.splitlines()[-1]) == {"error": "error: no", "exit_code": 3}


@pytest.mark.parametrize(
    "arguments", [["nonsense", "--json"], ["--json", "status"], ["ingest", "--nonsense", "--json"], ["verify", "--json"]]
)
def test_json_is_printed_where_the_command_line_cannot_be_read(here, capsys, arguments):
    assert cli.run(arguments) == 2
    captured = capsys.readouterr()
    row = json.loads(captured.out.splitlines()[-1])
    assert row == {"error": captured.err.strip(), "exit_code": 2}


def test_a_word_behind_two_dashes_is_no_option(here, capsys):
    assert cli.run(["passages", "--", "--json"]) == 2
    assert capsys.readouterr().out == ""


def test_publish_runs_its_stages_in_this_order(here, capsys, monkeypatch):
    called = []
    monkeypatch.setattr(pipeline, "run_stage", lambda name, context: called.append(name) or StageReport(name, {}))
    assert cli.run(["publish"]) == 0
    assert called == ["gate", "probe", "lock", "judge-gate", "stage", "contracts", "audit", "publish"]


def test_a_writer_holds_the_workspace_and_keeps_its_resolved_settings(here, stage, capsys):
    def action(context):
        with pytest.raises(errors.WorkspaceError), Workspace(context.workspace.root).writing():
            pass

    stage(action)
    assert cli.run(["author", "--workspace", "other"]) == 0
    kept = json.loads((here / "other" / "reports" / "settings-author.json").read_text(encoding="utf-8"))
    assert kept["workspace"] == "other" and kept["seed"] == 1
    assert not (here / "ws").exists()


def test_given_sources_replace_the_configured_ones_and_keep_their_names(here):
    settings = load_settings(here / "pipeline.toml")
    (here / "more").mkdir()
    found = pipeline.parse_sources(["folder:docs", "folder:more"], settings)
    assert [(source.name, source.licence) for source in found] == [("docs", "CC0-1.0"), ("more", "unknown")]
    assert pipeline.with_sources(settings, []) is settings


@pytest.mark.parametrize(("path", "name"), [("My Papers (new)", "My-Papers-new"), ("..hidden", "hidden"), ("日本", "documents")])
def test_a_source_named_by_its_folder_has_a_name_that_settings_accept(here, path, name):
    (source,) = pipeline.parse_sources([f"folder:{path}"], load_settings(here / "pipeline.toml"))
    assert source.name == name


def test_ctrl_c_in_a_real_process_is_one_line_and_130(here):
    script = (
        "import sys, time\n"
        "from flows import cli, pipeline\n"
        "def wait(name, context):\n"
        "    print('running', flush=True)\n"
        "    time.sleep(60)\n"
        "pipeline.run_stage = wait\n"
        "sys.argv = ['rubric-factory', 'passages']\n"
        "cli.main()\n"
    )
    for number in (2, 15):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "running\n"
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert err.lstrip("\n") == "stopped; what was finished is kept; run the same command again to continue\n"


def test_ctrl_c_while_it_ends_changes_nothing(here):
    script = (
        "import atexit, os, signal, sys\n"
        "from flows import cli, pipeline\n"
        "def interrupted(name, context):\n"
        "    raise KeyboardInterrupt\n"
        "pipeline.run_stage = interrupted\n"
        "def again():\n"
        "    for number in (signal.SIGINT, signal.SIGTERM):\n"
        "        os.kill(os.getpid(), number)\n"
        "    print('put away')\n"
        "atexit.register(again)\n"
        "sys.argv = ['rubric-factory', 'passages']\n"
        "cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (130, "put away\n")
    assert done.stderr.lstrip("\n") == "stopped; what was finished is kept; run the same command again to continue\n"


def test_a_reader_that_leaves_is_no_traceback(here):
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.wait()


def test_the_demo_outside_a_checkout_says_that_it_needs_documents(here, capsys, monkeypatch):
    (here / "lone").mkdir()
    (here / "lone" / "demo.toml").write_text((ROOT / "configs" / "demo.toml").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(demo, "demo_config", lambda: here / "lone" / "demo.toml")
    assert cli.run(["demo", "--out", "out"]) == 2
    assert "rubric-factory demo --documents DIR" in capsys.readouterr().err
    assert not (here / "out").exists()


def test_the_laps_of_a_command_add_up_to_the_age_of_its_process():
    from flows.laps import Laps, process_age

    laps = Laps(process_age())
    for name in ("a", "b", "a"):
        time.sleep(0.002)
        laps.lap(name)
    assert list(laps.seconds) == ["a", "b"] and all(seconds > 0 for seconds in laps.seconds.values())
    assert sum(laps.seconds.values()) == pytest.approx(process_age(), abs=0.1)


def test_status_and_versions_work_in_an_empty_workspace_and_make_nothing(here, capsys):
    assert cli.run(["status", "--workspace", "empty", "--json"]) == 0
    row = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (row["writing"], row["tables"], row["versions"]) == (False, {}, [])
    assert cli.run(["versions", "--workspace", "empty"]) == 0
    assert not Path("empty").exists()


def test_status_sees_a_writer_without_waiting_for_it(here, capsys):
    with Workspace(here / "ws").writing():
        assert cli.run(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["writing"] is True
    assert cli.run(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["writing"] is False
