-- One row per task that passed the deterministic gates, with its passage's text, its document's genre, and the answer
-- that its author wrote without the passage ('' without one).
SELECT
    tasks AS task,
    gated.text,
    gated.genre,
    coalesce(task_notes.weak_answer, '') AS weak_answer
FROM gated
INNER JOIN tasks ON gated.task_key = tasks.task_key
LEFT JOIN task_notes ON gated.task_key = task_notes.task_key
ORDER BY gated.task_id;
