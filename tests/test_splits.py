"""Splits: no document or cluster on two sides, sides are for ever, conflicts are dropped with a reason."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from rubric_factory.publishing.splits import Member, assign, components, hashed_side, record, remembered

SHARES = {"test": 0.3, "validation": 0.3}
HALF = {"test": 0.5, "validation": 0.0}

passages = st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("0123456789")), max_size=3).map(tuple)
corpora = st.lists(
    st.builds(Member, st.integers(0, 11).map("s/d{}".format), st.integers(0, 15).map("id{}".format), passages),
    max_size=12,
    unique_by=lambda m: m.document_key,
)


def held_apart(members, sides):
    """Every name that two kept documents share has one side."""
    named = {}
    for member in members:
        if member.document_key in sides:
            for name in member.names:
                assert named.setdefault(name, sides[member.document_key]) == sides[member.document_key]


def texts_of(members, sides):
    """text -> side of every passage of the kept documents."""
    return {text: sides[m.document_key] for m in members if m.document_key in sides for _, text in m.passages}


@settings(deadline=None)
@given(corpora, st.integers(0, 5))
def test_every_document_gets_one_side_or_a_reason(members, seed):
    result = assign(members, {}, seed=seed, shares=SHARES)
    dropped = {r.record_id for r in result.dropped}
    assert not dropped, "nothing is known yet, so nothing can be in conflict"
    assert set(result.side) == {m.document_key for m in members}
    held_apart(members, result.side)


@settings(deadline=None)
@given(corpora, st.randoms(use_true_random=False))
def test_order_of_documents_does_not_matter(members, rng):
    shuffled = list(members)
    rng.shuffle(shuffled)
    first = assign(members, {}, seed=1, shares=SHARES)
    known = remembered(record(members[::2], first, {}), {})
    assert assign(members, known, seed=2, shares=SHARES) == assign(shuffled, known, seed=2, shares=SHARES)


@settings(max_examples=150, deadline=None)
@given(st.lists(corpora, min_size=2, max_size=4), st.integers(0, 3))
def test_sides_hold_over_any_chain_of_versions(builds, seed):
    """Documents come, go, change and merge; seeds and shares change; nothing ever leaves its side, held-out texts were never trained on."""
    parent, seen, published = {}, {}, {}
    remembered_sides = {}
    for number, members in enumerate(builds):
        known = remembered(parent, published)
        result = assign(members, known, seed=seed + number, shares=SHARES if number % 2 else HALF)
        dropped = {r.record_id for r in result.dropped}
        assert {r.reason for r in result.dropped} <= {"split_conflict"}
        assert dropped.isdisjoint(result.side) and dropped | set(result.side) == {m.document_key for m in members}
        held_apart(members, result.side)
        for key, split in result.side.items():
            assert remembered_sides.setdefault(key, split) == split
        for text, split in texts_of(members, result.side).items():
            assert seen.setdefault(text, split) == split
        published = {text: split for text, split in seen.items() if int(text) % 2}  # the rest has no task, and is remembered all the same
        parent = record(members, result, parent)
        assert {key: entry["split"] for key, entry in parent["documents"].items()} == remembered_sides


@settings(deadline=None)
@given(corpora)
def test_a_repeated_build_changes_nothing(members):
    first = assign(members, {}, seed=3, shares=SHARES)
    known = remembered(record(members, first, {}), texts_of(members, first.side))
    again = assign(members, known, seed=99, shares=HALF)
    assert again.side == first.side and not again.dropped


def known_as(**sides):
    return {f"document:s/{key}": split for key, split in sides.items()}


def test_merge_of_two_old_documents_drops_the_train_side():
    members = [Member("s/a", "1", (("c", "t1"),)), Member("s/b", "2", (("c", "t2"),))]
    result = assign(members, known_as(a="train", b="test"), seed=0, shares=SHARES)
    assert result.side == {"s/b": "test"}
    assert [(r.record_id, r.stage, r.reason) for r in result.dropped] == [("s/a", "stage", "split_conflict")]
    assert "test and train" in result.dropped[0].detail


def test_newcomer_that_bridges_two_sides_is_dropped_and_both_stay():
    members = [
        Member("s/a", "1", (("c", "t1"),)),
        Member("s/b", "2", (("d", "t2"),)),
        Member("s/new", "3", (("c", "t3"), ("d", "t4"))),
    ]
    result = assign(members, known_as(a="train", b="test"), seed=0, shares=SHARES)
    assert result.side == {"s/a": "train", "s/b": "test"}
    assert [r.record_id for r in result.dropped] == ["s/new"]


def test_changed_test_document_that_joins_a_trained_cluster_is_the_later_one():
    """Its old neighbour was trained on: keeping the newcomer on the test side would test on what ancestors learned."""
    members = [Member("s/a", "1", (("c", "old"),)), Member("s/b", "2", (("c", "fresh"),))]
    known = known_as(a="train", b="test") | {"text:old": "train"}
    result = assign(members, known, seed=0, shares=SHARES)
    assert result.side == {"s/a": "train"} and [r.record_id for r in result.dropped] == ["s/b"]


def test_moved_file_and_returning_document_keep_their_side():
    first = assign([Member("s/a", "1"), Member("s/b", "2")], {}, seed=5, shares=HALF)
    kept = record([Member("s/a", "1"), Member("s/b", "2")], first, {})
    later = record([Member("s/b", "2")], assign([Member("s/b", "2")], remembered(kept, {}), seed=6, shares=HALF), kept)
    for seed in range(20):
        again = assign([Member("s/a", "9"), Member("s/moved", "2")], remembered(later, {}), seed=seed, shares=HALF)
        assert again.side == {"s/a": first.side["s/a"], "s/moved": first.side["s/b"]}


def test_cluster_keeps_its_side_when_its_documents_are_renamed_and_changed():
    members = [Member("s/a", "1", (("c", "t"),)), Member("s/b", "2", (("c", "u"),))]
    first = assign(members, {}, seed=5, shares=HALF)
    kept = record(members, first, {})
    assert kept["clusters"] == {"c": first.side["s/a"]}
    for seed in range(20):
        side = assign([Member("s/z", "7", (("c", "v"),))], remembered(kept, {}), seed=seed, shares=HALF).side
        assert side == {"s/z": first.side["s/a"]}


def test_every_cluster_and_text_is_recorded_also_of_a_single_document():
    members = [Member("s/a", "1", (("c", "t"), ("d", "u"))), Member("s/b", "2", (("e", "v"),))]
    first = assign(members, {}, seed=5, shares=HALF)
    kept = record(members, first, {"clusters": {"gone": "test"}, "texts": {"old": "train"}})
    assert kept["clusters"] == {"c": first.side["s/a"], "d": first.side["s/a"], "e": first.side["s/b"], "gone": "test"}
    assert kept["texts"] == {"t": first.side["s/a"], "u": first.side["s/a"], "v": first.side["s/b"], "old": "train"}
    for seed in range(20):
        copies = [Member("s/x", "8", (("c", "fresh"),)), Member("s/y", "9", (("other", "v"),))]
        side = assign(copies, remembered(kept, {}), seed=seed, shares=HALF).side
        assert side == {"s/x": first.side["s/a"], "s/y": first.side["s/b"]}


def test_near_duplicates_of_what_ancestors_published_follow_it_or_are_dropped():
    known = {"text:t": "train", "text:h": "test", "document:s/b": "test"}
    newcomers = [Member("s/a", "1", (("c", "t2"),), near=("t",)), Member("s/d", "3", (("e", "h2"), ("f", "t3")), near=("h", "t"))]
    changed = [Member("s/b", "2", (("d", "t4"),), near=("t",))]
    for seed in range(20):
        result = assign([*newcomers, *changed], known, seed=seed, shares=HALF)
        assert result.side == {"s/a": "train"}
        assert [r.record_id for r in result.dropped] == ["s/b", "s/d"]


def test_components_are_named_by_their_smallest_key():
    members = [Member("s/c", "1", (("x", "1"),)), Member("s/b", "2", (("x", "2"), ("y", "3"))), Member("s/a", "3", (("y", "4"),))]
    assert set(components(members).values()) == {"s/a"}
    assert components([*members, Member("s/d", "4")])["s/d"] == "s/d"


def test_hash_meets_the_shares_and_depends_on_the_seed():
    rng = random.Random(0)
    names = [f"s/{rng.random()}" for _ in range(6000)]
    sides = [hashed_side(name, 1, {"test": 0.15, "validation": 0.1}) for name in names]
    assert abs(sides.count("test") / 6000 - 0.15) < 0.02 and abs(sides.count("validation") / 6000 - 0.1) < 0.02
    assert sides != [hashed_side(name, 2, {"test": 0.15, "validation": 0.1}) for name in names]
    assert hashed_side("papers/a.pdf", 1, SHARES) == hashed_side("papers/a.pdf", 1, SHARES)
