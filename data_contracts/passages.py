"""Contract of `passages`: one row per grounding passage."""

from typing import Any

KEY = "grounding_id"


def expectations() -> list[Any]:
    """What must hold of the frame passages(rows); severity critical blocks publishing."""
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectTableRowCountToBeBetween(min_value=1, severity="critical"),
        gxe.ExpectColumnValuesToMatchRegex(column="grounding_id", regex=r"^[0-9a-f]{64}$", severity="critical"),
        gxe.ExpectColumnValuesToBeUnique(column="grounding_id", severity="critical"),
        gxe.ExpectColumnValuesToMatchRegex(column="sha256", regex=r"^[0-9a-f]{64}$", severity="critical"),
        gxe.ExpectColumnValuesToBeUnique(column="sha256", severity="warning"),
        gxe.ExpectColumnValuesToBeBetween(column="words", min_value=1, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="words", min_value=20, max_value=1500, severity="warning"),
        gxe.ExpectColumnValuesToNotMatchRegex(column="text", regex=r"[\x00-\x08\x0b\x0c\x0e-\x1f]", severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="page_start", min_value=0, severity="critical"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="page_end", column_B="page_start", or_equal=True, severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="char_start", min_value=0, severity="critical"),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="char_end", column_B="char_start", severity="critical"),
    ]
