-- One row per task that passed the deterministic gates: the answer that other documents' tasks may borrow.
SELECT
    gated.task_id,
    gated.document_key,
    gated.genre,
    gated.reference_answer
FROM gated
ORDER BY gated.task_id;
