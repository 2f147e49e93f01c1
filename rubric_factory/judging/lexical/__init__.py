"""The embedded lexical judge: required elements by their words, no model. A smoke-test judge; shares no list with probes or gates."""

from rubric_factory.judging.lexical.judge import LexicalJudge

__all__ = ["LexicalJudge"]
