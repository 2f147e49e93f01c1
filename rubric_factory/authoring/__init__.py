"""Authors: passage in, tasks out (question, reference answer, rubric)."""
