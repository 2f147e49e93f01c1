"""A conservative merge of several authors' rubrics for one question: what two of them agree on stays (after RubricHub, arXiv 2601.08430).

The paper gives no formula of its merge; this one is the house's own. Criteria c, d of different authors AGREE where all of these hold:
    same sign; their evidence overlaps by OVERLAP of the shorter span; claims J(c, d) = |W_c ∩ W_d| / |W_c ∪ W_d| >= threshold, W: the
    words of a description behind its lead-in ("States that"); both or neither deny something; neither has a word (rises, before) against
    which the other has the opposite one; numbers in both, if any, are all in one of them.
Agreeing pairs are joined, the most similar first, into groups of at most one criterion an author, in which every pair agrees. A group
takes wording and key of its first-named author, and the lower median of its members' weights and categories: doubt lowers a weight.
Criteria of one author alone come in only as far as the band needs them: to its lower end, and for one criterion that is no pitfall.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from rubric_factory.authoring import contradiction
from rubric_factory.authoring.reply import CriterionReply
from rubric_factory.gates.wording import claim_words, jaccard
from rubric_factory.records import Category, Evidence

# Of the definition above; raised where it changes, because it stands in the identity of the authors.
RULE = "merge@2"
OVERLAP = 0.5
# Similarity from which a criterion of one author alone says nothing that a kept one does not say.
SAID_ALREADY = 0.6
_LEAD = re.compile(r"^\W*\w+(?:\W+(?:that|why|how|whether)\b)?")
_RANK = {Category.PITFALL: 0, Category.OPTIONAL: 1, Category.IMPORTANT: 2, Category.ESSENTIAL: 3}


@dataclass(frozen=True)
class Offer:
    """A criterion of one author's rubric. author, number: from 0. spans: its evidence in the passage, none where a quote is not there."""

    author: int
    number: int
    reply: CriterionReply
    spans: tuple[Evidence, ...]

    @cached_property
    def positive(self) -> bool:
        """Whether it gives credit."""
        return self.reply.category is not Category.PITFALL

    @cached_property
    def claim(self) -> frozenset[str]:
        """Words of what it claims, without the lead-in."""
        description = self.reply.description
        return frozenset(claim_words(_LEAD.sub("", description, count=1)) or claim_words(description))

    @cached_property
    def denies(self) -> bool:
        """Whether the claim is that something is not so."""
        return contradiction.denies(self.reply.description)

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Numbers in the claim."""
        return contradiction.numbers(self.reply.description)

    @cached_property
    def content(self) -> str:
        """What it says, whoever says it: breaks ties, so that no order of authors or criteria does."""
        return self.reply.model_dump_json(exclude={"number"})


@dataclass(frozen=True, slots=True)
class Kept:
    """A criterion of the merged rubric. reply: the first member's wording with merged weight and category; members: by author."""

    reply: CriterionReply
    members: tuple[Offer, ...]

    @property
    def offer(self) -> Offer:
        """Whose wording and key it has."""
        return self.members[0]


@dataclass(frozen=True, slots=True)
class Merged:
    """kept: in the order of author and number. dropped: (reason, criterion), each one that neither stands nor agrees with one that does."""

    kept: tuple[Kept, ...]
    dropped: tuple[tuple[str, Offer], ...]


def similarity(left: Offer, right: Offer) -> float:
    """Jaccard similarity of two claims, in [0, 1]; 1 for the same text."""
    return 1.0 if left.reply.description == right.reply.description else jaccard(set(left.claim), set(right.claim))


def _overlap(left: Offer, right: Offer) -> float:
    """Largest share of the shorter of two spans that lies in the other, in [0, 1]."""
    return max(
        (
            (min(one.end, two.end) - max(one.start, two.start)) / min(one.end - one.start, two.end - two.start)
            for one in left.spans
            for two in right.spans
        ),
        default=0.0,
    )


def agree(left: Offer, right: Offer, threshold: float) -> bool:
    """Whether two criteria make the same claim on the same evidence, as the module defines it. Symmetric."""
    return (
        left.author != right.author
        and left.positive == right.positive
        and left.denies == right.denies
        and not contradiction.other_numbers(left.numbers, right.numbers)
        and _overlap(left, right) >= OVERLAP
        and similarity(left, right) >= threshold
        and not contradiction.opposed(left.reply.description, right.reply.description)
    )


def _groups(offers: Sequence[Offer], threshold: float) -> list[list[Offer]]:
    """Groups of offers that agree pairwise, one an author at most; an offer that agrees with none is a group by itself."""
    pairs = [(left, right) for left, right in combinations(offers, 2) if agree(left, right, threshold)]
    # The same words first, so that a rubric merged with itself is itself; then by content: a total order of whatever can be told apart.
    pairs.sort(key=lambda pair: (-similarity(*pair), pair[0].content != pair[1].content, sorted(one.content for one in pair)))
    group = {(offer.author, offer.number): [offer] for offer in offers}
    for left, right in pairs:
        own, other = group[left.author, left.number], group[right.author, right.number]
        if {one.author for one in own} & {one.author for one in other}:
            continue
        if all(agree(one, two, threshold) for one in own for two in other):
            own += other
            group.update({(one.author, one.number): own for one in other})
    return list({id(found): found for found in group.values()}.values())


def _kept(members: Iterable[Offer]) -> Kept:
    found = sorted(members, key=lambda one: (one.author, one.number))
    middle = (len(found) - 1) // 2
    weight = sorted(one.reply.weight for one in found)[middle]
    category = sorted((one.reply.category for one in found), key=_RANK.__getitem__)[middle]
    reply = found[0].reply.model_copy(update={"weight": weight, "category": category})
    return Kept(reply, tuple(found))


def _standing(reply: CriterionReply) -> tuple[int, int]:
    """Sort key: the heavier, the earlier."""
    return -_RANK[reply.category], -reply.weight


def _said(offer: Offer, kept: Sequence[Kept]) -> bool:
    return any(one.positive == offer.positive and similarity(one, offer) >= SAID_ALREADY for each in kept for one in each.members)


def _filled(kept: list[Kept], alone: list[Offer], low: int) -> tuple[list[Kept], list[tuple[str, Offer]]]:
    """The kept ones with as many of one author alone as the band needs, and why the others are left out."""
    alone = sorted(alone, key=lambda one: (not one.spans, not one.positive, _standing(one.reply), one.content, one.author, one.number))
    if not any(one.offer.positive for one in kept):
        first = next((one for one in alone if one.positive), None)
        if first is not None:
            alone, low = [first, *(one for one in alone if one is not first)], max(low, len(kept) + 1)
    dropped = []
    for offer in alone:
        if _said(offer, kept):
            dropped.append(("criterion_said_already", offer))
        elif len(kept) < low:
            kept = [*kept, Kept(offer.reply, (offer,))]
        else:
            dropped.append(("criterion_not_agreed", offer))
    return kept, dropped


def merge(offers: Sequence[Offer], *, low: int, high: int, threshold: float) -> Merged:
    """The merged rubric of at most `high` criteria (1 <= low <= high); fewer than `low` only where the authors have no more to say.

    Which criteria stay, and their weights, depend on no order of authors or criteria; wording and key are the first-named author's.
    A rubric merged with itself is itself.
    """
    groups = _groups(offers, threshold)
    agreed = [group for group in groups if len(group) > 1]
    ranked = sorted(
        agreed,
        key=lambda group: (not group[0].positive, -len(group), _standing(_kept(group).reply), sorted(one.content for one in group)),
    )
    alone = [group[0] for group in groups if len(group) == 1]
    wanting = not any(group[0].positive for group in ranked) and any(one.positive for one in alone)
    room = high - 1 if wanting else high
    kept, dropped = _filled([_kept(group) for group in ranked[:room]], alone, low)
    dropped += [("criterion_beyond_band", offer) for group in ranked[room:] for offer in group]
    kept.sort(key=lambda one: (one.offer.author, one.offer.number))
    dropped.sort(key=lambda one: (one[1].author, one[1].number))
    return Merged(tuple(kept), tuple(dropped))
