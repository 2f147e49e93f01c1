"""The merge of several authors' rubrics: what agrees stays, within the band, whatever the order; nothing is left out unsaid."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.authoring.merge import Merged, Offer, agree, merge, similarity
from rubric_factory.authoring.reply import CriterionReply
from rubric_factory.records import Category, Evidence

# Descriptions of few words, so that drawn rubrics agree, nearly agree, repeat and contradict one another.
WORDS = ("voltage", "current", "temperature", "band gap", "does not fall", "0.45 percent", "12 volts", "silicon")


def reply(description: str, category: str = "essential", weight: int = 5) -> CriterionReply:
    texts = {"required_elements": ("x",), "scoring_guide": ("no", "yes"), "verification_cues": ("y",)}
    return CriterionReply(evidence=("q",), title="t", description=description, category=Category(category), weight=weight, **texts)


def offer(author: int, number: int, description: str, category: str = "essential", weight: int = 5, span=(0, 40)) -> Offer:
    spans = (Evidence(span[0], span[1], "x" * (span[1] - span[0])),) if span else ()
    return Offer(author, number, reply(description, category, weight), spans)


@st.composite
def criteria(draw) -> tuple[CriterionReply, tuple[Evidence, ...]]:
    description = "States that " + " ".join(draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4, unique=True)))
    found = reply(description, draw(st.sampled_from([str(c) for c in Category])), draw(st.integers(1, 5)))
    # The evidence belongs to what is said, as it does where quotes are located.
    start = len(description) % 3 * 20
    return found, (Evidence(start, start + 40, "x" * 40),) if len(description) % 5 else ()


RUBRICS = st.lists(st.lists(criteria(), min_size=1, max_size=8, unique_by=lambda one: one[0].model_dump_json()), min_size=1, max_size=4)
BANDS = st.tuples(st.integers(1, 6), st.integers(0, 6)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def offers_of(rubrics) -> list[Offer]:
    return [Offer(author, number, *one) for author, rubric in enumerate(rubrics) for number, one in enumerate(rubric)]


def merged(rubrics, band) -> Merged:
    return merge(offers_of(rubrics), low=band[0], high=band[1], threshold=0.3)


@given(RUBRICS, BANDS)
def test_never_more_than_the_band_and_nothing_left_out_unsaid(rubrics, band):
    found = merged(rubrics, band)
    assert len(found.kept) <= band[1]
    stand = sum(len(one.members) for one in found.kept)
    assert stand + len(found.dropped) == len(offers_of(rubrics))
    assert len({(one.author, one.number) for _, one in found.dropped}) == len(found.dropped)
    alone = [one for one in found.kept if len(one.members) == 1]
    positive = any(one.offer.positive for one in found.kept)
    assert not alone or len(found.kept) <= band[0] or (len(alone) == 1 and alone[0].offer.positive)
    assert positive or not any(one.positive for one in offers_of(rubrics))


@given(RUBRICS, BANDS)
def test_a_merged_rubric_merged_with_itself_is_itself(rubrics, band):
    once = [(one.reply, one.offer.spans) for one in merged(rubrics, band).kept]
    for copies in (2, 3):
        again = merged([once] * copies, (min(band[0], len(once)), band[1]))
        assert [one.reply for one in again.kept] == [one[0] for one in once]


@given(RUBRICS, BANDS, st.randoms(use_true_random=False))
def test_no_order_of_authors_or_criteria_decides_what_stays_or_what_it_weighs(rubrics, band, draw):
    def said(found: Merged) -> list:
        kept = [(one.reply.weight, str(one.reply.category), len(one.members)) for one in found.kept]
        dropped = [(reason, one.content) for reason, one in found.dropped]
        return [sorted(kept), sorted(dropped)]

    shuffled = [draw.sample(rubric, len(rubric)) for rubric in draw.sample(rubrics, len(rubrics))]
    assert said(merged(rubrics, band)) == said(merged(shuffled, band))


@given(RUBRICS)
def test_agreement_is_symmetric_and_never_within_one_author(rubrics):
    offers = offers_of(rubrics)
    for left in offers:
        for right in offers:
            assert agree(left, right, 0.3) == agree(right, left, 0.3)
            assert not (left.author == right.author and agree(left, right, 0.3))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (offer(1, 0, "Explains that heating narrows the band gap of silicon."), True),
        (offer(1, 0, "Explains that heating narrows the band gap of silicon.", "pitfall"), False),
        (offer(1, 0, "Explains that heating narrows the band gap of silicon.", span=(36, 90)), False),
        (offer(1, 0, "Explains that heating narrows the band gap of silicon.", span=(10, 20)), True),
        (offer(1, 0, "Explains that heating narrows the band gap of silicon.", span=None), False),
        (offer(1, 0, "Explains that heating does not narrow the band gap."), False),
        (offer(1, 0, "States that the band gap narrows by 3 meV."), False),
        (offer(1, 0, "States that the band gap narrows by 2 meV per kelvin."), True),
        (offer(1, 0, "Mentions the current of the module."), False),
        (offer(0, 1, "Explains that heating narrows the band gap of silicon."), False),
    ],
)
def test_what_agrees(other, expected):
    own = offer(
        0, 0, "States that the band gap narrows by 2 meV." if "meV" in other.reply.description else "States that the band gap narrows."
    )
    assert agree(own, other, 0.3) is expected and similarity(own, other) == similarity(other, own)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("States that the cell voltage falls with heat.", "States that the cell voltage doesn't fall with heat."),
        ("States that the cell voltage falls with heat.", "States that the cell voltage doesn’t fall with heat."),
        ("States that the cells failed in the test.", "States that none of the cells failed in the test."),
        ("States that the cell voltage rises with heat.", "States that the cell voltage falls with heat."),
        ("States that the oxide increases the resistance.", "States that the oxide reduces the resistance."),
        ("States that the efficiency peaks below that voltage.", "States that the efficiency peaks above that voltage."),
        ("States that efficiency is 5 percent at 300 K.", "States that efficiency is 7 percent at 300 K."),
        ("States that the temperature change is -5 K.", "States that the temperature change is 5 K."),
    ],
)
def test_claims_that_contradict_each_other_do_not_agree_however_alike_their_words(one, two):
    left, right = offer(0, 0, one), offer(1, 0, two)
    assert similarity(left, right) >= 0.3 and not agree(left, right, 0.3) and not agree(right, left, 0.3)
    assert agree(left, offer(1, 0, one), 0.3), "the same words agree"


def test_a_dash_between_numbers_is_no_sign_and_both_directions_are_not_opposed():
    one, two = "States that it melts at 300-400 K as heat rises and order falls.", "States that it melts from 300 to 400 K as order falls."
    assert agree(offer(0, 0, one), offer(1, 0, two), 0.3)


def test_doubt_lowers_weight_and_category_and_the_first_named_author_words_it():
    found = merge(
        [
            offer(0, 0, "States that the band gap narrows.", "essential", 5),
            offer(1, 3, "Explains that the band gap narrows.", "optional", 1),
            offer(2, 1, "Says that the band gap narrows.", "important", 3),
        ],
        low=1,
        high=9,
        threshold=0.3,
    )
    (one,) = found.kept
    assert (one.offer.author, [each.author for each in one.members], one.reply.weight, str(one.reply.category)) == (
        0,
        [0, 1, 2],
        3,
        "important",
    )
    assert one.reply.description == "States that the band gap narrows." and not found.dropped


def test_the_band_is_filled_with_the_heaviest_located_claims_and_the_rest_is_named():
    agreed = [offer(n, 0, "States that the band gap narrows.") for n in (0, 1)]
    singles = [
        offer(0, 1, "Gives the temperature.", "optional", 1, (100, 140)),
        offer(0, 2, "Names the manufacturer.", "essential", 5, None),
        offer(1, 1, "Names a current.", "important", 4, (200, 240)),
        offer(1, 2, "States the band gap narrows quickly.", "important", 3, (300, 340)),
    ]
    found = merge(agreed + singles, low=2, high=9, threshold=0.3)
    assert [(one.offer.author, one.offer.number) for one in found.kept] == [(0, 0), (1, 1)]
    assert [(reason, one.author, one.number) for reason, one in found.dropped] == [
        ("criterion_not_agreed", 0, 1),
        ("criterion_not_agreed", 0, 2),
        ("criterion_said_already", 1, 2),
    ]


def test_agreed_criteria_beyond_the_band_are_named_and_pitfalls_alone_are_no_rubric():
    pitfalls = [
        offer(n, k, f"Claims that {word} falls.", "pitfall", 1, (50 * k, 50 * k + 40)) for n in (0, 1) for k, word in enumerate(WORDS[:3])
    ]
    positive = offer(1, 9, "States the mechanism.", "optional", 1, (900, 940))
    found = merge([*pitfalls, positive], low=1, high=3, threshold=0.3)
    assert sum(one.offer.positive for one in found.kept) == 1 and len(found.kept) == 3
    assert [reason for reason, _ in found.dropped] == ["criterion_beyond_band"] * 2
    assert merge([replace(one, author=0, number=k) for k, one in enumerate(pitfalls[:3])], low=1, high=3, threshold=0.3).kept


def test_pitfalls_alone_stay_within_the_band_too():
    agreed = [offer(n, k, f"Claims that {word}.", "pitfall", 1, (50 * k, 50 * k + 40)) for n in (0, 1) for k, word in enumerate(WORDS[:3])]
    found = merge([*agreed, offer(0, 9, "Claims that silicon shines.", "pitfall", 1, (900, 940))], low=1, high=3, threshold=0.3)
    assert len(found.kept) == 3 and [reason for reason, _ in found.dropped] == ["criterion_not_agreed"]
