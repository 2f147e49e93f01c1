"""Every shipped configuration loads, and the requirement sets agree with each other and with pyproject.toml."""

import re
import tomllib

import pytest
from conftest import ROOT

from rubric_factory.errors import ConfigurationError
from rubric_factory.settings import load_settings

CONFIGS = [ROOT / "pipeline.toml", *sorted((ROOT / "configs").glob("*.toml"))]
SETS = ("base", "pipeline", "train", "demo", "dev")


def pins(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z0-9._-]+==[^ ;\\]+)", text, re.MULTILINE))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_shipped_configuration_loads(path):
    settings = load_settings(path)
    assert settings.name and settings.sources
    paths = [source.path for source in settings.sources if getattr(source, "path", None)]
    assert all(path.is_absolute() for path in paths)


def test_the_configuration_for_a_gpu_owner_names_author_judge_and_policy():
    settings = load_settings(ROOT / "configs" / "llama-3.1-8b-vllm.toml")
    policy = settings.training.policy
    assert (policy.type, policy.model) == ("pretrained", "meta-llama/Llama-3.1-8B-Instruct")
    assert settings.author.type == settings.judge.type == "openai_compatible"
    revisions = (settings.author.revision, settings.judge.revision, policy.revision)
    assert all(re.fullmatch("[0-9a-f]{40}", revision) for revision in revisions)
    assert (settings.training.prompts * settings.training.group) % (settings.training.processes * settings.training.micro_batch) == 0


@pytest.mark.parametrize("moving", ["main", "master", "Latest", "HEAD", " "])
@pytest.mark.parametrize("section", ["author", "judge", "training.policy"])
def test_a_revision_that_moves_is_refused_with_what_to_put_there(tmp_path, section, moving):
    text = (ROOT / "configs" / "llama-3.1-8b-vllm.toml").read_text(encoding="utf-8")
    head, mark, tail = text.partition(f"[{section}]\n")
    path = tmp_path / "pipeline.toml"
    path.write_text(head + mark + re.sub('(?m)^revision = "[^"]*"', f'revision = "{moving}"', tail, count=1), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"revision \(got '{moving}'\).*a name that never moves: the commit.*fix:"):
        load_settings(path)


def test_the_commented_author_of_the_template_loads_too(tmp_path):
    text = (ROOT / "pipeline.toml").read_text(encoding="utf-8")
    head, _, tail = text.partition("[author]\n")
    commented = tail.partition("# [author]\n")[2]
    path = tmp_path / "pipeline.toml"
    path.write_text(head + "[author]\n" + "\n".join(line.removeprefix("# ") for line in commented.splitlines()), encoding="utf-8")
    assert load_settings(path).author.type == "openai_compatible"


@pytest.mark.parametrize("name", SETS)
def test_a_set_pins_every_package_with_hashes_and_leaves_torch_out(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert len(blocks) > 10
    assert all("--hash=sha256:" in block for block in blocks)
    assert not any(pin.startswith(("torch==", "nvidia-")) for pin in pins(name))


def test_make_demo_after_make_test_changes_no_package():
    assert pins("demo") <= pins("dev")
    assert {pin.partition("==")[0] for pin in pins("demo")} >= {"hatchling", "editables", "prefect", "trl"}


def test_the_pipeline_needs_no_prefect_and_the_base_is_light():
    names = {name: {pin.partition("==")[0] for pin in pins(name)} for name in SETS}
    assert "prefect" not in names["pipeline"] and "duckdb" in names["pipeline"]
    assert not names["base"] & {"duckdb", "datasets", "pandas", "transformers", "prefect"}


def test_every_declared_dependency_is_in_its_set():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    for name, wanted in {
        "base": (),
        "pipeline": ("pipeline",),
        "train": ("train",),
        "demo": ("pipeline", "prefect", "train"),
        "dev": ("pipeline", "prefect", "train", "dev"),
    }.items():
        lines = [*project["dependencies"], *(line for extra in wanted for line in extras[extra])]
        declared = {re.split(r"[><=\[ ]", line)[0].lower() for line in lines} - {"torch"}
        assert declared <= {pin.partition("==")[0] for pin in pins(name)}, name
