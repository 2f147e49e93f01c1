"""Folders of models as they come: quantised, adapters, damaged, of other kinds; what is fetched of a repository; faults of a run."""

import json
import shutil
from dataclasses import replace

import pytest
import tiny_qwen

pytest.importorskip("torch")
pytest.importorskip("llguidance", reason="the extra [local] is not installed here")

from rubric_factory.errors import LanguageModelError
from rubric_factory.ledger import Ledger
from rubric_factory.llm.backends import open_model
from rubric_factory.llm.local import LocalModel
from rubric_factory.llm.local_decoding import Row
from rubric_factory.llm.local_weights import find, load
from rubric_factory.llm.protocol import CompletionFailure, Request
from rubric_factory.records import Message
from rubric_factory.settings import llm


def section(folder, **keys):
    return llm.Local(**{"model": str(folder), "revision": "r", "device": "cpu", "batch": 2} | keys)


def ask(name, text="question", tokens=4):
    return Request(name, (Message("user", text),), tokens, 1.0, 1.0, 7)


def change(path, drop=(), **keys):
    known = json.loads(path.read_text(encoding="utf-8")) | keys
    path.write_text(json.dumps({key: value for key, value in known.items() if key not in drop}), encoding="utf-8")


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(tiny_qwen.folder(), tmp_path / "model")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"quantization_config": {"quant_method": "fp8"}}, "its weights are quantised"),
        ({"quantization_config": {"quant_method": "unheard of"}}, "its weights are quantised"),
        ({"hidden_size": "x"}, "hidden_size"),
        ({"num_attention_heads": 0}, "cannot be loaded"),
        ({"vocab_size": 100}, "cannot be loaded"),
        ({"model_type": "unheard of"}, "cannot be loaded"),
    ],
)
def test_a_configuration_that_no_model_can_be_read_by_is_one_line(copy, keys, words):
    change(copy / "config.json", **keys)
    with pytest.raises(LanguageModelError, match=words) as caught:
        load(section(copy))
    assert "\n" not in str(caught.value) and "fix:" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("adapter_config.json", '{"base_model_name_or_path": "elsewhere"}', "it holds an adapter"),
        ("config.json", "[]", "cannot be loaded"),
        ("generation_config.json", '{"eos_token_id": "x"}', "cannot be loaded"),
        ("tokenizer.json", "{", "cannot be loaded"),
    ],
)
def test_a_file_that_is_wrong_is_one_line(copy, name, text, words):
    (copy / name).write_text(text, encoding="utf-8")
    with pytest.raises(LanguageModelError, match=words) as caught:
        load(section(copy))
    assert "\n" not in str(caught.value) and "fix:" in str(caught.value)


def test_a_model_whose_replies_have_no_end_is_refused(copy):
    for name in ("config.json", "generation_config.json"):
        change(copy / name, drop=("eos_token_id",))
    change(copy / "tokenizer_config.json", eos_token=None)
    with pytest.raises(LanguageModelError, match="no token that ends a reply"):
        load(section(copy))


@pytest.mark.parametrize(("template", "words"), [("{{ 1 / 0 }}", "division"), ("{{ 'a' + 1 }}", "concatenate"), ("", "makes nothing")])
def test_a_template_that_fails_is_a_refused_request(copy, template, words):
    (copy / "chat_template.jinja").write_text(template, encoding="utf-8")
    ((_, completion),) = LocalModel(section(copy)).complete([ask("a")])
    assert completion.failure is CompletionFailure.BAD_REQUEST and words in completion.detail


def learned_positions(folder, context):
    """Make the model one with a table of positions: to go past it is an error, not only worse text."""
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    tokenizer = AutoTokenizer.from_pretrained(folder)
    for name in ("config.json", "generation_config.json", "model.safetensors"):
        (folder / name).unlink()
    shape = {"n_embd": 32, "n_layer": 1, "n_head": 2, "bos_token_id": None, "eos_token_id": tokenizer.eos_token_id}
    GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), n_positions=context, **shape)).save_pretrained(folder)


def test_no_row_goes_past_the_context_while_its_batch_goes_on(copy):
    learned_positions(copy, 230)
    requests = [ask("long", "a " * 180, 500), ask("short", tokens=120), ask("other", "b", 120)]
    answers = dict(LocalModel(section(copy, batch=3)).complete(requests))
    assert answers["long"].prompt_tokens + 120 > 230
    assert {name: completion.detail for name, completion in answers.items()} == {
        "long": "the context of 230 tokens is full",
        "short": "max_tokens reached",
        "other": "max_tokens reached",
    }


def test_of_a_repository_only_what_is_loaded_is_fetched(monkeypatch, tmp_path):
    import huggingface_hub
    from huggingface_hub.utils import filter_repo_objects

    taken = []

    def fetched(name, *, revision, local_files_only, **patterns):
        listed = ["config.json", "model.safetensors", "model.bin", "original/model.safetensors", "onnx/config.json", "code.py"]
        taken.extend([name, revision, local_files_only, *filter_repo_objects(listed, **patterns)])
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetched)
    assert find(section("some/model", download=True)) == tmp_path
    assert taken == ["some/model", "r", False, "config.json", "model.safetensors"]


def test_a_network_that_breaks_off_is_one_line(monkeypatch):
    import httpx
    import huggingface_hub

    def broken(*_, **__):
        raise httpx.ReadTimeout("the read\ntimed out")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", broken)
    with pytest.raises(LanguageModelError, match=r"the read timed out.*look at the network") as caught:
        find(section("some/model", download=True))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("said", ["", "DefaultCPUAllocator: can't\nallocate"])
def test_a_run_that_fails_names_the_batch(monkeypatch, copy, said):
    backend = LocalModel(section(copy))

    def no_room(**_):
        raise RuntimeError(said)

    loaded = load(section(copy))
    monkeypatch.setattr(loaded.model, "generate", no_room)
    with pytest.raises(LanguageModelError, match=r"stopped at 2 rows of 256 tokens.*fix: a smaller batch") as caught:
        list(backend.complete([ask("a")]))
    assert "\n" not in str(caught.value)


def test_a_reply_that_llguidance_gives_up_is_kept_and_not_written_again(monkeypatch, copy, tmp_path):
    held = Row._hold

    def limited(row, scores):
        row.fault = "too complex\nfor me" if len(row.tokens) == 3 else ""
        return not row.fault and held(row, scores)

    monkeypatch.setattr(Row, "_hold", limited)
    request = replace(ask("a", tokens=30), schema={"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]})
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ((_, first),) = open_model(section(copy), ledger).complete([request])
        assert (first.failure, first.detail) == (CompletionFailure.TRUNCATED, "llguidance stopped: too complex for me")
        assert first.completion_tokens == 3 and first.text
        ((_, again),) = open_model(section(copy), ledger).complete([request])
        assert again.stored and again == first
