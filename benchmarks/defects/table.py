"""The table kind -> gate expected, written before the gates were run on any of these defects."""

from dataclasses import dataclass

from benchmarks.defects import form, grounding, question, rubric, texts
from benchmarks.defects.case import Spoil


@dataclass(frozen=True)
class Kind:
    """How a defect is made, and the gates (or reasons of the author stage) of which one has to name it."""

    spoil: Spoil
    gates: tuple[str, ...]


_SHAPE = ("schema_violation",)
_QUOTE = ("evidence_not_verbatim",)
_EXPECTED: dict[Spoil, tuple[str, ...]] = {
    form.missing_key: _SHAPE,
    form.unknown_key: _SHAPE,
    form.unknown_category: _SHAPE,
    form.no_weight: _SHAPE,
    form.broken_weight: _SHAPE,
    form.one_level: _SHAPE,
    form.no_evidence: _SHAPE,
    form.too_few: ("criteria_band", "schema_violation"),
    form.too_many: ("criteria_band", "schema_violation"),
    form.one_decides: ("weights",),
    form.penalties_outweigh: ("weights",),
    form.light_essential: ("polarity",),
    form.endless_question: ("lengths", "schema_violation"),
    form.clipped_question: ("lengths",),
    form.bare_reference: ("lengths",),
    form.sprawling_title: ("lengths",),
    form.label_for_description: ("lengths",),
    grounding.swapped_words: _QUOTE,
    grounding.dots_for_words: _QUOTE,
    grounding.mended_word: _QUOTE,
    grounding.foreign_quote: _QUOTE,
    grounding.quoted_reference: _QUOTE,
    grounding.scrap_quote: ("evidence_verbatim",),
    grounding.one_quote_for_all: ("padding",),
    grounding.one_sentence_for_all: ("padding",),
    grounding.invented_number: ("numbers",),
    grounding.invented_quantity: ("numbers",),
    grounding.spelt_quantity: ("numbers",),
    grounding.invented_element: ("numbers",),
    grounding.other_unit: ("numbers",),
    question.by_the_passage: ("standalone",),
    question.by_the_document: ("standalone",),
    question.by_the_author: ("standalone",),
    question.by_a_figure: ("standalone",),
    question.by_a_section: ("standalone",),
    question.by_a_citation: ("standalone",),
    question.by_a_listing: ("standalone",),
    question.said_before: ("standalone",),
    question.unnamed_subject: ("standalone",),
    question.described_subject: ("standalone",),
    question.told_elements: ("leakage",),
    question.told_reference: ("leakage",),
    question.asked_for_the_asked: ("leakage",),
    question.lifted_run: ("prompt_overlap",),
    question.lifted_sentence: ("prompt_overlap",),
    question.asked_again: ("duplicate_question",),
    question.asked_again_politely: ("duplicate_question",),
    rubric.two_verbs: ("atomicity",),
    rubric.two_clauses: ("atomicity",),
    rubric.semicolon: ("atomicity",),
    rubric.two_sentences: ("atomicity",),
    rubric.as_well_as: ("atomicity",),
    rubric.enumeration: ("atomicity",),
    rubric.numbered_list: ("atomicity",),
    rubric.copied_criterion: ("duplicate_criteria",),
    rubric.reworded_criterion: ("duplicate_criteria",),
    rubric.same_elements: ("duplicate_criteria",),
    rubric.pitfall_avoided: ("polarity",),
    rubric.pitfall_praised: ("polarity",),
    rubric.mistake_rewarded: ("polarity",),
    rubric.guides_upside_down: ("polarity",),
    rubric.pitfall_guide_upside_down: ("polarity",),
    rubric.reference_sentence: ("reference_copied",),
    rubric.reference_cut_off: ("reference_copied",),
    texts.german_question: ("language",),
    texts.french_reference: ("language",),
    texts.spanish_criteria: ("language",),
    texts.cyrillic_letters: ("language",),
    texts.broken_characters: ("language",),
    texts.formula_dump: ("language",),
    texts.keyword_list: ("language",),
    texts.order_to_ignore: ("grader_instructions",),
    texts.order_to_accept: ("grader_instructions",),
    texts.talk_of_points: ("grader_instructions",),
    texts.chat_tokens: ("grader_instructions",),
    texts.ready_verdict: ("grader_instructions",),
    texts.address_to_grader: ("grader_instructions",),
    texts.hidden_markup: ("grader_instructions",),
}
KINDS: dict[str, Kind] = {spoil.__name__: Kind(spoil, gates) for spoil, gates in _EXPECTED.items()}
