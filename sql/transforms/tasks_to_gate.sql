-- One row per task of one author whose passage exists, with that passage and its document's title.
-- What follows ' rubric=' in a task's author says whose rubrics are in it.
SELECT
    tasks AS task,
    passages AS passage,
    coalesce(documents.title, '') AS title
FROM tasks
INNER JOIN passages ON tasks.passage_id = passages.passage_id
LEFT JOIN documents ON passages.document_key = documents.document_key
WHERE split_part(tasks.author, ' rubric=', 1) = $author
ORDER BY tasks.task_key;
