-- One row per task that passed the deterministic gates, with its passage's text and its document's genre.
SELECT
    tasks AS task,
    gated.text,
    gated.genre
FROM gated
INNER JOIN tasks ON gated.task_key = tasks.task_key
ORDER BY gated.task_id;
