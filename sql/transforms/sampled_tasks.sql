-- One row per task that `incoming` (task_id) names, with its passage's text, its document's genre, and the answer that
-- its author wrote without the passage ('' without one).
SELECT
    tasks AS task,
    passages.text,
    coalesce(documents.genre, '') AS genre,
    coalesce(task_notes.weak_answer, '') AS weak_answer
FROM incoming
INNER JOIN tasks ON incoming.task_id = tasks.task_id
INNER JOIN passages ON tasks.passage_id = passages.passage_id AND tasks.document_key = passages.document_key
LEFT JOIN documents ON tasks.document_key = documents.document_key
LEFT JOIN task_notes ON tasks.task_key = task_notes.task_key
ORDER BY tasks.task_id;
