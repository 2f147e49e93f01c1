"""Baseline of arXiv 2507.17746: one rating from question and response alone. No rubric, no passage, no reference answer."""

from rubric_factory.judging.modes.rating import rating_mode

MODE = rating_mode("direct_likert")
