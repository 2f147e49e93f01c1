"""Contract of `verdicts`: one row per verdict of the judge on a published task, as the judge's gates stored it. Not published itself."""

from typing import Any

KEY = "criterion_key"


def expectations() -> list[Any]:
    """What must hold of the frame verdicts(rows, stored, judge); critical blocks publishing. Without a judge: no row."""
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectColumnValuesToMatchRegex(column="task_id", regex=r"^[0-9a-f]{64}$", severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="of_rubric", value_set=[True], severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="level_or_failure", value_set=[True], severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="on_scale", value_set=[True], severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="known_failure", value_set=[True], severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="by_the_judge", value_set=[True], severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="once", value_set=[True], severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="graded", value_set=[True], mostly=0.95, severity="warning"),
    ]
