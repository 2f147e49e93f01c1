-- One row per document with tasks: how many were written and how many may be published.
SELECT
    tasks.document_key,
    count(*) AS written,
    count(*) FILTER (WHERE publishable.task_key IS NOT NULL) AS may_be_published
FROM tasks
LEFT JOIN publishable ON tasks.task_key = publishable.task_key
GROUP BY tasks.document_key
ORDER BY written DESC, tasks.document_key ASC;
