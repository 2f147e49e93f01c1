"""Contract of `criteria`: one row per criterion of a published rubric."""

from typing import Any

KEY = "criterion_key"


def expectations() -> list[Any]:
    """What must hold of the frame criteria(rows); severity critical blocks publishing."""
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectTableRowCountToBeBetween(min_value=1, severity="critical"),
        gxe.ExpectColumnValuesToMatchRegex(column="criterion_id", regex=r"^[0-9a-f]{64}$", severity="critical"),
        gxe.ExpectColumnValuesToBeUnique(column="criterion_key", severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="key_of_task", value_set=[True], severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(
            column="category", value_set=["essential", "important", "optional", "pitfall"], severity="critical"
        ),
        gxe.ExpectColumnValuesToNotBeInSet(column="weight", value_set=[0], severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="weight", min_value=-100, max_value=100, severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="sign_fits_category", value_set=[True], severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="levels", min_value=2, max_value=11, severity="critical"),
        gxe.ExpectColumnValueLengthsToBeBetween(column="description", min_value=3, max_value=2000, severity="critical"),
        gxe.ExpectColumnValueLengthsToBeBetween(column="title", min_value=1, max_value=200, severity="warning"),
        gxe.ExpectColumnValuesToBeBetween(column="quotes", min_value=1, mostly=0.3, severity="warning"),
    ]
