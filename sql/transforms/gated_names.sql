-- One row per task that passed the deterministic gates: what tells one set of tasks from another.
SELECT
    gated.task_id,
    gated.genre
FROM gated
ORDER BY gated.task_id;
