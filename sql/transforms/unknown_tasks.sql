-- One row per key of `incoming` (task_key) that no task has.
SELECT incoming.task_key
FROM incoming
WHERE incoming.task_key NOT IN (SELECT tasks.task_key FROM tasks)
ORDER BY incoming.task_key;
