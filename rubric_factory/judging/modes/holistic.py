"""RaR implicit, arXiv 2507.17746: one rating by the whole rubric. The one mode in which the judge sees weights and categories."""

from rubric_factory.judging.modes.rating import rating_mode

MODE = rating_mode("holistic", weighted=True)
