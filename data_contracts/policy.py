"""Contract of `policy`: one row per prompt, all that a policy ever sees."""

from typing import Any

KEY = "task_id"


def expectations() -> list[Any]:
    """What must hold of the frame policy(rows); severity critical blocks publishing."""
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectTableColumnsToMatchOrderedList(
            column_list=["task_id", "split", "roles", "user_text", "words", "system_text"], severity="critical"
        ),
        gxe.ExpectTableRowCountToBeBetween(min_value=1, severity="critical"),
        gxe.ExpectColumnValuesToMatchRegex(column="task_id", regex=r"^[0-9a-f]{64}$", severity="critical"),
        gxe.ExpectColumnValuesToBeUnique(column="task_id", severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="split", value_set=["train", "validation", "test"], severity="critical"),
        gxe.ExpectColumnValuesToBeInSet(column="roles", value_set=["user", "system user"], severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="words", min_value=3, max_value=2000, severity="critical"),
        gxe.ExpectColumnValuesToBeUnique(column="user_text", severity="warning"),
        gxe.ExpectColumnValuesToNotMatchRegex(column="user_text", regex=r"[\x00-\x08\x0b\x0c\x0e-\x1f]", severity="critical"),
        gxe.ExpectColumnUniqueValueCountToBeBetween(column="system_text", min_value=1, max_value=1, severity="critical"),
    ]
