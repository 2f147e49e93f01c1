"""Contract of `tasks`: one row per published task, its rubric summed up."""

from typing import Any

KEY = "task_key"


def expectations() -> list[Any]:
    """What must hold of the frame tasks(rows); severity critical blocks publishing."""
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectTableRowCountToBeBetween(min_value=1, severity="critical"),
        gxe.ExpectColumnValuesToMatchRegex(column="task_id", regex=r"^[0-9a-f]{64}$", severity="critical"),
        gxe.ExpectColumnValuesToBeUnique(column="task_id", severity="critical"),
        gxe.ExpectColumnValuesToBeUnique(column="task_key", severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="key_of_document", value_set=[True], severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="question_words", min_value=3, max_value=400, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="reference_words", min_value=1, max_value=4000, severity="critical"),
        gxe.ExpectColumnValuesToMatchRegex(column="question_type", regex=r"^[a-z][a-z_]*$", severity="warning"),
        gxe.ExpectColumnValuesToBeUnique(column="question", severity="warning"),
        gxe.ExpectColumnValuesToBeInSet(column="evidence_grade", value_set=["demo", "model"], severity="critical"),
        gxe.ExpectColumnValueLengthsToBeBetween(column="author", min_value=1, severity="critical"),
        gxe.ExpectColumnUniqueValueCountToBeBetween(column="author", min_value=1, max_value=1, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="criteria", min_value=1, max_value=40, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="positive_weight", min_value=1, severity="critical"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="page_end", column_B="page_start", or_equal=True, severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="split", value_set=["train", "validation", "test"], severity="critical"),
    ]
