"""Replies are untrusted: whatever the bytes, the outcome is a value, and one that the ledger can hold."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.llm import chat_api
from rubric_factory.llm.protocol import Completion, CompletionFailure
from rubric_factory.llm.structured import json_text

KNOWN = {"served_model": "served", "prompt_tokens": 3, "completion_tokens": 5, "seconds": 1.5}


def reply(**choice):
    usage = {"prompt_tokens": 3, "completion_tokens": 5}
    return {"model": "served", "choices": [{"message": {"content": "text"}, "finish_reason": "stop"} | choice], "usage": usage}


def test_a_good_reply():
    assert chat_api.completion(reply(), 1.5) == Completion(text="text", **KNOWN)


def test_cut_text_is_truncated_and_kept():
    truncated = chat_api.completion(reply(finish_reason="length"), 1.5)
    assert truncated == Completion(text="text", failure=CompletionFailure.TRUNCATED, detail="max_tokens reached", **KNOWN)


@pytest.mark.parametrize(
    ("choice", "detail"),
    [({"finish_reason": "content_filter"}, "content_filter"), ({"message": {"content": None, "refusal": "I will not"}}, "I will not")],
)
def test_refusals(choice, detail):
    assert chat_api.completion(reply(**choice), 1.5) == Completion(failure=CompletionFailure.REFUSED, detail=detail, **KNOWN)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {},
        {"choices": None},
        {"choices": {}},
        {"choices": []},
        {"choices": ["text"]},
        {"choices": [{}]},
        {"choices": [{"message": "text"}]},
        reply(message={}),
        reply(message={"content": None}),
        reply(message={"content": 7}),
        reply(message={"content": [{"type": "text", "text": "part"}]}),
    ],
)
def test_another_shape_is_a_failure_with_a_reason(wrong):
    completion = chat_api.completion(wrong, 1.5)
    assert (completion.failure, completion.text) == (CompletionFailure.TRANSPORT, "")
    assert completion.detail


@pytest.mark.parametrize("count", [None, "5", 5.0, -1, True, 2**40, [5], {}])
def test_a_token_count_that_is_none_is_unknown_and_the_answer_kept(count):
    made = reply() | {"usage": {"prompt_tokens": count, "completion_tokens": 5}}
    completion = chat_api.completion(made, 1.5)
    assert (completion.text, completion.prompt_tokens, completion.completion_tokens) == ("text", 0, 5)


NAN = b'{"choices": [{"message": {"content": "text"}}], "usage": {"prompt_tokens": NaN}}'


@pytest.mark.parametrize("raw", [NAN, b"", b"{", b"NaN", b'{"choices": Infinity}', b"\xff\xfe\x00", b"[" * 500_000, b"<html>", b"9" * 5000])
def test_bytes_that_are_no_reply(raw):
    completion = chat_api.read_reply(raw, 1.5)
    assert completion.failure is CompletionFailure.TRANSPORT
    assert len(completion.detail) <= 200


@given(st.binary(max_size=300))
def test_any_bytes_give_a_value(raw):
    assert isinstance(chat_api.read_reply(raw, 0.0), Completion)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["choices", "message", "content", "finish_reason", "refusal", "usage", "model", "x"]), inner)
    ),
    max_leaves=12,
)


@given(ANY)
def test_any_json_gives_a_value_that_utf8_can_hold(value):
    completion = chat_api.completion(value, 0.0)
    text = completion.text + completion.detail + completion.served_model
    assert text.encode("utf-8").decode("utf-8") == text


@given(st.text(st.characters(), max_size=50))
def test_text_that_json_can_escape_comes_back_whole_or_marked(text):
    raw = json.dumps(reply(message={"content": text})).encode()
    got = chat_api.read_reply(raw, 0.0).text
    assert got == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_a_lone_surrogate_becomes_a_replacement_character():
    assert chat_api.read_reply(b'{"choices": [{"message": {"content": "a\\ud800b"}}]}', 0.0).text == "a\ufffdb"


def test_details_quote_servers_safely():
    assert chat_api.failed(CompletionFailure.TRANSPORT, "\x1b[31mred\u202e\ud800\n" + "x" * 500).detail.startswith(
        "<U+001B>[31mred<U+202E>"
    )


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10))
def test_json_that_was_valid_keeps_its_meaning(value):
    for text in (json.dumps(value), json.dumps(value, indent="\t", ensure_ascii=False)):
        assert json.loads(json_text(text)) == value


def test_raw_controls_in_strings_become_blanks():
    assert json.loads(json_text('{"a": "one\ttwo\x01three"}')) == {"a": "one two three"}
