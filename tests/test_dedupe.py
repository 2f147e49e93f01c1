"""Duplicates: hashes that never change, candidates that miss nothing that matters, and components that brute force confirms."""

import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubric_factory.passages.dedupe import near_duplicates
from rubric_factory.passages.lsh import PERMUTATIONS, RECALL, band_rows
from rubric_factory.passages.shingles import exact_key, frames, jaccard, shingle_hashes, without_frames
from rubric_factory.text import words

THRESHOLD = 0.8


def hashes(values):
    return np.array(sorted(values), dtype=np.uint32)


def pair(rng, shared, own):
    """Two sets of shared + own elements: Jaccard similarity shared / (shared + 2 * own)."""
    drawn = rng.sample(range(2**32), shared + 2 * own)
    common = drawn[:shared]
    return hashes(common + drawn[shared : shared + own]), hashes(common + drawn[shared + own :])


def brute_force(sets, threshold):
    labels = list(range(len(sets)))
    for one, other in combinations(range(len(sets)), 2):
        if jaccard(sets[one], sets[other]) >= threshold and labels[one] != labels[other]:
            keep, drop = sorted((labels[one], labels[other]))
            labels = [keep if label == drop else label for label in labels]
    return labels


def test_hashes_are_the_same_on_every_machine():
    assert shingle_hashes("The quick brown fox jumps over", 5).tolist() == [1755687564, 3919177080]
    assert exact_key(words("The  quick, Brown fox!")) == exact_key(words("the quick brown fox"))
    assert exact_key(words("the quick brown fox")) != exact_key(words("the quick fox brown"))


def test_shingles_know_the_order_of_words_and_short_texts_have_none():
    assert shingle_hashes("a b c d", 5).size == 0
    forward, backward = shingle_hashes("a b c d e f", 3), shingle_hashes("f e d c b a", 3)
    assert (forward.size, jaccard(forward, backward)) == (4, 0)


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=60), st.integers(1, 6))
def test_shingle_hashes_are_as_many_as_distinct_runs(tokens, size):
    runs = {tuple(tokens[start : start + size]) for start in range(len(tokens) - size + 1)}
    found = shingle_hashes(" ".join(tokens), size)
    assert found.size == len(runs)
    assert (np.diff(found.astype(np.int64)) > 0).all()


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)))
def test_jaccard_is_that_of_the_sets(left, right):
    expected = len(left & right) / len(left | right) if left | right else 0
    assert jaccard(hashes(left), hashes(right)) == pytest.approx(expected)


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.7, 0.8, 0.9, 0.99, 1.0])
def test_bands_reach_the_promised_recall_at_the_threshold(threshold):
    rows = band_rows(threshold)
    bands = PERMUTATIONS // rows
    assert 1 - (1 - threshold**rows) ** bands >= RECALL
    if rows < PERMUTATIONS:
        assert 1 - (1 - threshold ** (rows + 1)) ** (PERMUTATIONS // (rows + 1)) < RECALL


def test_recall_and_precision_over_pairs_of_known_similarity():
    rng = random.Random(7)
    designed = [(shared, own) for shared in (100, 150, 200) for own in range(2, 60, 2) for _ in range(5)]
    sets = [one for shared, own in designed for one in pair(rng, shared, own)]
    labels = near_duplicates(sets, THRESHOLD)
    similar = [shared / (shared + 2 * own) >= THRESHOLD for shared, own in designed]
    joined = [labels[2 * index] == labels[2 * index + 1] for index in range(len(designed))]
    assert len(designed) == 435
    assert sum(similar) > 100 and sum(not one for one in similar) > 100
    assert not any(found and not true for found, true in zip(joined, similar, strict=True)), "a pair under the threshold is never joined"
    found = sum(one and true for one, true in zip(joined, similar, strict=True))
    assert found / sum(similar) >= RECALL
    assert len(set(labels.tolist())) == len(sets) - sum(joined), "nothing is joined across pairs"


def corpus(seed, size):
    """Families of edited copies, chains and loners, in random order."""
    rng = random.Random(seed)
    sets = []
    while len(sets) < size:
        current = set(rng.sample(range(10_000), rng.randint(5, 80)))
        for _ in range(rng.randint(1, 6)):
            sets.append(hashes(current))
            swap = rng.randint(0, max(1, len(current) // 8))
            current = set(rng.sample(sorted(current), len(current) - swap)) | set(rng.sample(range(10_000), swap))
    rng.shuffle(sets)
    return sets


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("threshold", [0.5, 0.8, 1.0])
def test_components_are_those_of_brute_force(seed, threshold):
    sets = corpus(seed, 120)
    labels = near_duplicates(sets, threshold).tolist()
    expected = brute_force(sets, threshold)
    agree = sum(one == other for one, other in zip(labels, expected, strict=True))
    assert agree >= 0.98 * len(sets)
    assert all(label == min(at for at, other in enumerate(labels) if other == label) for label in labels)


@given(st.permutations(range(40)))
@settings(max_examples=15, deadline=None)
def test_the_order_of_the_passages_changes_no_component(order):
    sets = corpus(11, 40)[:40]
    labels, moved = near_duplicates(sets, THRESHOLD), near_duplicates([sets[at] for at in order], THRESHOLD)
    place = {at: position for position, at in enumerate(order)}
    for one, other in combinations(range(40), 2):
        assert (labels[one] == labels[other]) == (moved[place[one]] == moved[place[other]])


def test_none_one_and_many_equal_sets():
    one = hashes(range(10))
    assert near_duplicates([], THRESHOLD).tolist() == []
    assert near_duplicates([one], THRESHOLD).tolist() == [0]
    assert near_duplicates([one] * 500, THRESHOLD).tolist() == [0] * 500


def test_running_heads_are_found_whatever_their_page_number_and_left_out():
    bodies = [f"Body text number {name} that differs." for name in ("one", "two", "three", "four")]
    texts = [f"Manual of Valves   page {page}\n{body}" for page, body in enumerate(bodies)]
    known = frames(texts)
    assert known == {"manual of valves page #"}
    assert [without_frames(text, known) for text in texts] == bodies
    assert frames(texts[:2]) == frozenset(), "two passages are too few to call a line repeated"
