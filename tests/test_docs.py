"""The documentation is tested: generated pages match the code, snippets of the README parse and run where that is cheap."""

import re
import shlex
import subprocess
import tomllib
from typing import get_args

import click
import pytest
from conftest import ROOT

from flows import cli, experiment, reference
from rubric_factory.runs import Variant
from rubric_factory.settings import Settings, load_settings

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    """Fenced blocks of a language ('' for shell lines)."""
    parts = re.split(r"^```(.*)\n", README, flags=re.MULTILINE)
    return [body for fence, body in zip(parts[1::4], parts[2::4], strict=True) if fence == language]


def shell_lines():
    return [line.partition("#")[0].strip() for block in blocks("") for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("name", list(reference.PAGES))
def test_generated_pages_match_the_code(name):
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert reference.filled(page, reference.PAGES[name]()) == page, "run: make docs"


def test_every_command_and_option_is_documented():
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name in cli.COMMANDS:
        section = page.partition(f"\n### {name}\n")[2].partition("\n### ")[0] + page.partition("### Options of every command")[2]
        assert f"rubric-factory {name}" in section
        for parameter in cli.cli.get_command(click.Context(cli.cli), name).params:
            if isinstance(parameter, click.Option):
                assert all(f"`{flag}" in section for flag in parameter.opts), (name, parameter.opts)


def settings_keys(model=Settings):
    for name, field in model.model_fields.items():
        inner = list(reference._models(field.annotation))
        if not inner:
            yield model, name, field
        for section in inner:
            yield from settings_keys(section)


def test_every_settings_key_is_documented_and_says_what_it_means():
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert len(list(settings_keys())) > 40
    for model, name, _ in settings_keys():
        assert f"| `{name}` |" in page, (model.__name__, name)


def test_a_list_of_tables_has_double_brackets_and_nothing_else_has():
    page = reference.settings_reference()
    for name in ("judge.members", "sources", "author.merge.authors", "author.endpoints", "author.merge.authors.endpoints"):
        assert f"### `[[{name}]]" in page and f"### `[{name}]" not in page, name
    for name in ("judge", "judge.members.grading", "author.merge", "author.mode", "gates.judge.solver", "publish"):
        assert f"### `[{name}]" in page and f"### `[[{name}]]" not in page, name
    assert "--export-requests and --import-responses stand for one model, so an ensemble refuses them" in page


def test_exit_codes_of_the_errors_are_those_of_the_pages():
    from rubric_factory import errors

    codes = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.FactoryError)}
    assert codes == {1, 2, 3, 130}
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert all(f"| {code} |" in page for code in codes | {0})
    assert re.search(r"0 done · 1 failed · 2 usage or configuration · 3 blocked .* · 130 stopped", README)


def test_the_first_screen_of_the_readme_has_the_two_commands():
    first = "\n".join(README.splitlines()[:14])
    assert "\nmake demo" in first and "\nmake test" in first


def test_every_command_line_of_the_readme_parses():
    lines = [line for line in shell_lines() if line.startswith("rubric-factory")]
    assert len(lines) >= 6
    for line in lines:
        name, *arguments = shlex.split(line)[1:]
        made = cli.cli.get_command(click.Context(cli.cli), name)
        made.make_context(name, list(arguments), resilient_parsing=False)


def test_every_make_target_of_the_pages_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`?make (?:[A-Z_]+=\S+ )?([a-z][a-z-]*)", README))
    assert {"demo", "experiment", "test", "lock", "extras"} <= named
    for target in named & {"demo", "experiment", "test", "lock", "extras", "docs"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_author_of_the_readme_loads(tmp_path):
    (snippet,) = blocks("toml")
    author = tomllib.loads(snippet)["author"]
    path = tmp_path / "pipeline.toml"
    path.write_text('name = "x"\nseed = 1\n' + snippet, encoding="utf-8")
    assert load_settings(path).author.model == author["model"]


def test_python_snippets_compile():
    assert blocks("python")
    for block in blocks("python"):
        compile(block, "README.md", "exec")


def test_every_file_and_link_that_the_pages_name_exists():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for page in pages:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert link.startswith("http") or (page.parent / link).exists(), (page.name, link)
    for name in re.findall(r"^\| `([a-z_]+/)`", README, re.MULTILINE):
        assert (ROOT / name).is_dir(), name


def test_the_floor_plan_is_the_one_that_is_tested():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract.get("exhaustive")]
    page = (ROOT / "docs" / "adr" / "0001-floor-plan.md").read_text(encoding="utf-8")
    (shown,) = [block for block in page.split("\n\n") if block.startswith(layers[0] + " →")]
    floors = [[room.strip() for room in floor.split("|")] for floor in shown.replace("\n", " ").split("→")]
    assert floors == [re.split(r"\s*:\s*", layer) for layer in layers]


def test_decisions_are_numbered_without_a_gap_and_called_by_their_number():
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    assert all(page.read_text(encoding="utf-8").startswith(f"# {page.name[:4]} ") for page in pages)


def test_the_changelog_names_every_command():
    (line,) = re.findall(r"^- Commands: (.*)\.$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert line.split(", ") == list(cli.COMMANDS)


def test_make_shows_what_it_would_do():
    done = subprocess.run(["make", "-n", "demo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "rubric-factory demo --out demo-run" in done.stdout
    done = subprocess.run(["make", "-n", "experiment", "SEEDS=1 2"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    (line,) = [line for line in done.stdout.splitlines() if "flows.experiment" in line]
    chosen = experiment._arguments(shlex.split(line)[3:])
    assert (chosen.seeds, set(chosen.arms.split())) == ("1 2", set(get_args(Variant)))


def test_no_page_or_message_installs_from_an_index_that_does_not_hold_the_project():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    code = [file for folder in ("flows", "rubric_factory", "training", "data_contracts") for file in (ROOT / folder).rglob("*.py")]
    for file in (*pages, *code):
        assert not re.search(r"pip install '?rubric-factory", file.read_text(encoding="utf-8")), file
    assert "pip install -e '.[local]'" in README


def test_the_environment_is_activated_before_the_first_command_of_its_own_and_no_run_is_tracked():
    assert README.index("source .venv/bin/activate") < README.index("\nrubric-factory ")
    out = re.search(r"--out (\S+)", README)
    assert out and f"/{out[1]}/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_operations_says_run_of_commands_alone():
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for line in re.findall(r"\brun `([^`]+)`", page):
        words = shlex.split(line)
        assert words[0] == "rubric-factory" and words[1] in cli.COMMANDS, line
        cli.cli.get_command(click.Context(cli.cli), words[1]).make_context(words[1], words[2:])
    assert "rebuild --from judge-gate" in page and "An ensemble asks several models and refuses both options" in page
