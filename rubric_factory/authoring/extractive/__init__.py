"""The extractive author: questions, references and rubrics cut from the passage by rules, no model needed (evidence grade "demo")."""

from rubric_factory.authoring.extractive.author import ExtractiveAuthor

__all__ = ["ExtractiveAuthor"]
