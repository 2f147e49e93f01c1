"""Contract of `documents`: one row per published document, as tasks and grounding tell it."""

from typing import Any

KEY = "document_key"


def expectations() -> list[Any]:
    """What must hold of the frame documents(rows); severity critical blocks publishing."""
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectTableRowCountToBeBetween(min_value=1, severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="document_key", severity="critical"),
        gxe.ExpectColumnValuesToBeUnique(column="document_key", severity="critical"),
        gxe.ExpectColumnValuesToMatchRegex(column="document_key", regex=r"^[A-Za-z0-9][A-Za-z0-9._-]*/.", severity="critical"),
        gxe.ExpectColumnValuesToMatchRegex(column="document_id", regex=r"^[0-9a-f]{64}$", severity="critical"),
        gxe.ExpectColumnValuesToBeUnique(column="document_id", severity="critical"),
        gxe.ExpectColumnValueLengthsToBeBetween(column="licence", min_value=1, max_value=200, severity="critical"),
        gxe.ExpectColumnValuesToNotBeInSet(column="licence", value_set=["unknown"], severity="warning"),
        gxe.ExpectColumnValuesToBeInSet(column="splits", value_set=["train", "validation", "test"], severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="tasks", min_value=1, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="tasks", max_value=200, severity="warning"),
        gxe.ExpectColumnValueLengthsToBeBetween(column="title", min_value=1, mostly=0.8, severity="warning"),
    ]
