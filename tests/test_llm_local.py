"""The local backend over a model made on the spot: what a reply depends on, how it ends, what it is refused for, and who it says it is."""

import json
import random
import shutil
import socket
import sys
from dataclasses import replace

import pytest
import tiny_qwen
from hypothesis import given
from hypothesis import strategies as st
from scripted_judges import hand_made_tasks

torch = pytest.importorskip("torch")
pytest.importorskip("llguidance", reason="the extra [local] is not installed here")

from rubric_factory.authoring.reply import item_model, reply_schema  # noqa: E402
from rubric_factory.errors import CapReachedError, ConfigurationError, LanguageModelError, MissingExtraError  # noqa: E402
from rubric_factory.judging.judges import open_judge  # noqa: E402
from rubric_factory.judging.lock import make_lock, verify_lock  # noqa: E402
from rubric_factory.judging.parser import reply_schema as verdict_schema  # noqa: E402
from rubric_factory.ledger import Ledger  # noqa: E402
from rubric_factory.llm import local  # noqa: E402
from rubric_factory.llm.account import Account  # noqa: E402
from rubric_factory.llm.backends import open_model  # noqa: E402
from rubric_factory.llm.local import LocalModel  # noqa: E402
from rubric_factory.llm.local_decoding import WIDTH, Row, draw, write  # noqa: E402
from rubric_factory.llm.local_weights import digest, load  # noqa: E402
from rubric_factory.llm.protocol import CompletionFailure, Request  # noqa: E402
from rubric_factory.llm.structured import json_text  # noqa: E402
from rubric_factory.records import Message  # noqa: E402
from rubric_factory.settings import Settings, llm  # noqa: E402
from rubric_factory.settings.author import WritingSettings  # noqa: E402
from rubric_factory.settings.caps import CapSettings  # noqa: E402
from rubric_factory.settings.judge import LocalJudge, LockSettings  # noqa: E402

WRITING = WritingSettings(
    min_criteria=2,
    max_criteria=2,
    question_characters=60,
    reference_characters=60,
    statement_characters=20,
    quote_characters=20,
    phrase_characters=10,
)
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "minLength": 1, "maxLength": 30}},
    "required": ["answer"],
    "additionalProperties": False,
}


def section(**keys):
    return llm.Local(**{"model": str(tiny_qwen.folder()), "revision": "r", "device": "cpu", "batch": 4} | keys)


def ask(name, text="question", tokens=24, temperature=1.0, top_p=1.0, seed=7, schema=None):
    return Request(name, (Message("system", "s"), Message("user", text)), tokens, temperature, top_p, seed, schema)


def one(backend, request):
    ((_, completion),) = backend.complete([request])
    return completion


@pytest.fixture
def copy(tmp_path):
    """A copy of the model that a test may damage."""
    return shutil.copytree(tiny_qwen.folder(), tmp_path / "model")


@pytest.mark.parametrize(("dtype", "step", "tokens"), [("float32", 12, 6), ("bfloat16", 4, 80)])
def test_a_reply_depends_on_its_request_alone(dtype, step, tokens):
    """Not on who shares the batch, the order or a place in it: prompts of one width and of several, mixed sampling."""

    def request(n):
        schema, top_p = (SCHEMA if n % 4 == 3 else None), (0.9 if n % 2 else 1.0)
        return ask(f"r{n}", "reactor loop " * (step * n + 1), tokens, (n % 3) / 2, top_p, schema=schema)

    requests = [request(n) for n in range(7)]
    backend = LocalModel(section(dtype=dtype))
    together = dict(backend.complete(requests))
    assert len({len(completion.text) for completion in together.values()}) > 3
    backward = dict(LocalModel(section(dtype=dtype)).complete(reversed(requests)))
    for request in requests:
        assert backward[request.request_id].text == together[request.request_id].text
        assert one(backend, request).text == together[request.request_id].text


def test_seed_and_prompt_decide_the_draws_and_at_temperature_0_only_the_prompt():
    requests = [ask(f"{t} {seed}", temperature=t, seed=seed) for t in (0.0, 1.0) for seed in range(4)]
    said = {name: completion.text for name, completion in tiny_qwen.local().complete(requests)}
    assert len({said[f"0.0 {seed}"] for seed in range(4)}) == 1
    assert len({said[f"1.0 {seed}"] for seed in range(4)}) == 4


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=40), st.floats(0.05, 1), st.floats(0.1, 2), st.integers(0, 2**31))
def test_only_the_smallest_set_of_probable_tokens_is_drawn_from(scores, top_p, temperature, seed):
    found = torch.tensor(scores, dtype=torch.float64)
    token = draw(found.clone(), temperature, top_p, random.Random(seed))
    shares = torch.softmax(found / temperature, -1)
    above = float(shares[shares > shares[token]].sum())
    assert shares[token] > 0 and above < top_p + 1e-9


def test_draws_follow_the_probabilities_and_what_is_forbidden_is_never_drawn():
    scores = torch.tensor([0.0, -float("inf"), 1.0, 2.0], dtype=torch.float64)
    draws = random.Random(3)
    counts = [0, 0, 0, 0]
    for _ in range(4000):
        counts[draw(scores.clone(), 1.0, 1.0, draws)] += 1
    assert counts[1] == 0
    for count, share in zip(counts, torch.softmax(scores, -1).tolist(), strict=True):
        assert abs(count / 4000 - share) < 0.03
    with pytest.raises(LanguageModelError, match=r'no numbers.*fix: say dtype = "float32"'):
        draw(torch.tensor([0.0, float("nan")]), 1.0, 1.0, draws)


@pytest.mark.parametrize("length", [1, WIDTH - 1, WIDTH, WIDTH + 1])
def test_every_row_has_a_pad(length):
    row = Row([5] * length, 8)
    assert row.width % WIDTH == 0 and 0 < row.width - length <= WIDTH


def test_replies_of_the_author_and_the_judge_keep_their_schemas():
    """Random weights at temperature 1 write whatever is not forbidden."""
    task = hand_made_tasks()[0]
    verdicts = verdict_schema(task.task.rubric.criteria)
    small = json.loads(json.dumps(verdicts).replace('"maxLength": 600', '"maxLength": 20').replace('"maxLength": 300', '"maxLength": 20'))
    asked = [ask(f"author {n}", tokens=2000, seed=n, schema=reply_schema("tasks", WRITING)) for n in range(4)]
    asked += [ask(f"judge {n}", tokens=2000, seed=n, schema=small) for n in range(4)]
    answers = dict(LocalModel(section(batch=8)).complete(asked))
    assert {completion.failure for completion in answers.values()} == {None}
    for name, completion in answers.items():
        reply = json.loads(json_text(completion.text))
        if name.startswith("judge"):
            assert set(reply) == set(verdicts["properties"])
            assert all(set(entry) == {"reason", "quote", "level"} and len(entry["quote"]) <= 20 for entry in reply.values())
        for written in reply.get("tasks", ()):
            item_model("tasks", WRITING).model_validate_json(json.dumps(written))


@pytest.mark.parametrize("said", ['the "hot" leg', r"\alpha_1 = \frac{a}{b}", "first\nsecond", "25 °C, 3 µm, 日本"])
def test_a_bounded_string_may_hold_quotes_escapes_and_every_script(said):
    from llguidance import LLMatcher

    loaded = load(section())
    text = json.dumps({"answer": said}, ensure_ascii=False, separators=(",", ":"))
    ids = loaded.tokenizer(text, add_special_tokens=False)["input_ids"]
    matcher = LLMatcher(loaded.grammars, local._grammar(json.dumps(SCHEMA)))
    assert matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting()


def test_a_reply_ends_where_the_model_ends_it(monkeypatch):
    written = []

    def noted(loaded, rows, batch):
        write(loaded, rows, batch)
        written.extend(rows)

    monkeypatch.setattr(local, "write", noted)
    backend = LocalModel(section())
    whole = one(backend, ask("a"))
    assert whole.failure is CompletionFailure.TRUNCATED and whole.detail == "max_tokens reached"
    assert whole.completion_tokens == 24 and whole.cached_tokens == 0 and whole.prompt_tokens > 0
    tokens = written[0].tokens
    backend._loaded = replace(load(section()), ends=frozenset({tokens[9]}))
    ended = one(backend, ask("a"))
    assert ended.failure is None
    assert ended.completion_tokens == tokens.index(tokens[9]) + 1
    assert written[1].tokens == tokens[: ended.completion_tokens]


def test_what_cannot_be_asked_fails_alone(copy):
    template = (copy / "chat_template.jinja").read_text(encoding="utf-8")
    refusing = "{% if messages[-1]['content'] == 'refuse' %}{{ raise_exception('not so') }}{% endif %}"
    (copy / "chat_template.jinja").write_text(refusing + template, encoding="utf-8")
    backend = LocalModel(section(model=str(copy), max_model_len=200))
    requests = [
        ask("good"),
        ask("long", "reactor " * 400),
        ask("schema", schema={"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=x)"}}}),
        ask("refused", "refuse"),
        ask("full", tokens=5000),
    ]
    answers = dict(backend.complete(requests))
    details = {name: (completion.failure, completion.detail) for name, completion in answers.items()}
    assert details["good"] == (CompletionFailure.TRUNCATED, "max_tokens reached")
    assert details["full"] == (CompletionFailure.TRUNCATED, "the context of 200 tokens is full")
    assert answers["full"].prompt_tokens + answers["full"].completion_tokens == 200
    for name, words in {"long": "the context 200", "schema": "llguidance cannot hold", "refused": "not so"}.items():
        assert details[name][0] is CompletionFailure.BAD_REQUEST and words in details[name][1]


def test_ledger_and_caps_hold_as_for_any_backend(tmp_path):
    requests = [ask(f"r{n}", f"question {n}", tokens=4) for n in range(6)]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        capped = open_model(section(), ledger, stage="author", account=Account(CapSettings(calls=4)))
        answers = {}
        with pytest.raises(CapReachedError, match="the cap of 4 calls"):
            answers.update(capped.complete(requests))
        (row,) = ledger.summary()
        assert (row["state"], row["calls"]) == ("answered", 4)
        rest = dict(open_model(section(), ledger, stage="author").complete(requests))
        assert len(rest) == 6 and sum(completion.stored for completion in rest.values()) == 4
        assert {completion.served_model for completion in rest.values()} == {f"sha256:{digest(tiny_qwen.folder())}"}
        assert all("transformers" in completion.engine and "cpu float32" in completion.engine for completion in rest.values())


def swap_weights(folder):
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    weights = load_file(path)
    save_file({name: value.flip(0) if value.dim() == 2 else value for name, value in weights.items()}, path, metadata={"format": "pt"})


def test_other_weights_in_the_same_folder_break_the_lock(copy):
    keys = {"model": str(copy), "revision": "r", "device": "cpu", "batch": 2, "grading": {"tries": 1}, "sampling": {"max_tokens": 4}}
    named = LocalJudge.model_validate(keys)
    limits = LockSettings(canary_pairs=2, repeats=2, max_flip_rate=1.0, allow_unlocked=True)
    judge = open_judge(named, None)
    lock = make_lock(judge, named, hand_made_tasks(), (), limits, seed=5, allow_unlocked=True)
    assert lock.served == (f"sha256:{digest(copy)}",) and lock.engine.startswith("transformers ")
    assert "calls itself" not in verify_lock(open_judge(named, None), lock).detail
    swap_weights(copy)
    report = verify_lock(open_judge(named, None), lock)
    assert not report.passed
    assert f"the backend calls itself sha256:{digest(copy)}, not {lock.served[0]}" in report.detail


def test_the_same_model_is_in_memory_once_and_another_one_beside_it(copy):
    first, second = load(section()), load(section(batch=2))
    swap_weights(copy)
    assert first is second and load(section(model=str(copy))) is not first
    assert load(section(dtype="bfloat16")) is not first


@pytest.mark.parametrize("package", ["torch", "transformers", "llguidance"])
def test_a_missing_package_names_the_extra(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install -e '\.\[local\]' in the checkout"):
        one(LocalModel(section()), ask("a"))


def test_nothing_is_fetched_unless_the_settings_say_so_and_the_cache_is_found(monkeypatch, tmp_path):
    import huggingface_hub.constants

    def refuse(*_, **__):
        raise OSError("no network in this test")

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    commit = "0e9e39f249a16976918f6564b8830bc894c89659"
    named = section(model="somebody/tiny", revision=commit)
    with pytest.raises(LanguageModelError, match=r"not in the Hugging Face cache; expected .*; fix: name a folder, or say download = true"):
        one(LocalModel(named), ask("a"))
    shutil.copytree(tiny_qwen.folder(), tmp_path / "models--somebody--tiny" / "snapshots" / commit)
    assert one(LocalModel(named), ask("a")).completion_tokens == 24


def test_a_folder_that_lacks_a_part_is_one_line(copy):
    from safetensors.torch import load_file, save_file

    def refused(words, **keys):
        with pytest.raises((LanguageModelError, ConfigurationError), match=words) as caught:
            load(section(model=str(copy), **keys))
        assert "\n" not in str(caught.value) and "fix:" in str(caught.value)

    refused("at most the model's own 32768", max_model_len=40_000)
    if not torch.cuda.is_available():
        refused("PyTorch finds no GPU", device="cuda")
    template, weights = copy / "chat_template.jinja", copy / "model.safetensors"
    kept = template.read_text(encoding="utf-8")
    template.unlink()
    refused("it has no chat template")
    template.write_text(kept, encoding="utf-8")
    tensors = load_file(weights)
    tensors.pop(sorted(tensors)[-1])
    save_file(tensors, weights, metadata={"format": "pt"})
    refused("1 weights are missing")
    weights.write_bytes(b"not weights")
    refused("cannot be loaded")
    weights.unlink()
    torch.save({}, copy / "pytorch_model.bin")
    refused("cannot be loaded")


def test_author_judge_and_solver_may_be_local():
    named = {"type": "local", "model": "some/model", "revision": "r"}
    sections = {"author": named, "judge": named, "gates": {"judge": {"solver": named}}}
    made = Settings.model_validate({"name": "n", "seed": 1, **sections})
    assert (made.author.type, made.judge.type, made.gates.judge.solver.type) == ("local", "local", "local")
    assert not made.author.download
