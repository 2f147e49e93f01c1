"""Judges: question, passage, rubric and response in, a verdict per criterion out."""
