"""A rubric as the nested rows of the published contract, and back."""

from typing import Any

from rubric_factory.records import Category, Criterion, Evidence, Level, Rubric, criterion_to_row


def rubric_to_rows(rubric: Rubric) -> list[dict[str, Any]]:
    """Rubric as the list column of the published contract."""
    return [{"criterion_id": c.criterion_id, **criterion_to_row(c)} for c in rubric.criteria]


def rubric_from_rows(rows: list[dict[str, Any]]) -> Rubric:
    """Inverse of rubric_to_rows; criterion_id is recomputed, never read. Errors: ValueError on a broken invariant."""
    return Rubric(
        tuple(
            Criterion(
                criterion_key=row["criterion_key"],
                title=row["title"],
                description=row["description"],
                category=Category(row["category"]),
                weight=row["weight"],
                required_elements=tuple(row["required_elements"]),
                scoring_guide=tuple(Level(s["level"], s["meaning"]) for s in row["scoring_guide"]),
                verification_cues=tuple(row["verification_cues"]),
                evidence=tuple(Evidence(e["start"], e["end"], e["quote"]) for e in row["evidence"]),
            )
            for row in rows
        )
    )
