-- One row per task that `incoming` (task_id) names, with its passage's text and its document's genre.
SELECT
    tasks AS task,
    passages.text,
    coalesce(documents.genre, '') AS genre
FROM incoming
INNER JOIN tasks ON incoming.task_id = tasks.task_id
INNER JOIN passages ON tasks.passage_id = passages.passage_id AND tasks.document_key = passages.document_key
LEFT JOIN documents ON tasks.document_key = documents.document_key
ORDER BY tasks.task_id;
