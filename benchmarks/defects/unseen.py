"""Defects written blind to the gates, after the others were spent; the table was committed before any gate was run on them."""

from benchmarks.defects.kind import Kind
from benchmarks.defects.unseen_form import FORM
from benchmarks.defects.unseen_numbers import NUMBERS
from benchmarks.defects.unseen_question import QUESTION
from benchmarks.defects.unseen_rubric import RUBRIC
from benchmarks.defects.unseen_texts import TEXTS

UNSEEN: dict[str, Kind] = FORM | QUESTION | RUBRIC | NUMBERS | TEXTS
