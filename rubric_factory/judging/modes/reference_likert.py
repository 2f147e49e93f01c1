"""Baseline of arXiv 2507.17746: one rating by the task's reference answer. No rubric, no passage."""

from rubric_factory.judging.modes.rating import rating_mode

MODE = rating_mode("reference_likert")
