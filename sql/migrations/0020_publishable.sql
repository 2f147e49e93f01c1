-- One row per task that may be published, whoever wrote it: gated, no failed error-severity gate,
-- its passage still selected, its document unchanged and not a duplicate.
CREATE VIEW publishable AS
SELECT
    tasks.*,
    coalesce(passages.section, '') AS section,
    passages.page_start,
    passages.page_end,
    passages.char_start,
    passages.char_end,
    passages.text,
    documents.source,
    documents.source_uri,
    coalesce(documents.licence, 'unknown') AS licence,
    coalesce(documents.genre, '') AS genre,
    coalesce(documents.title, '') AS title
FROM tasks
INNER JOIN passages ON tasks.passage_id = passages.passage_id AND tasks.document_key = passages.document_key
INNER JOIN selection ON tasks.passage_id = selection.passage_id AND selection.selected
INNER JOIN documents ON tasks.document_key = documents.document_key AND tasks.document_id = documents.document_id
WHERE
    documents.duplicate_of IS NULL
    AND EXISTS (
        SELECT 1
        FROM gate_results
        WHERE gate_results.task_id = tasks.task_id
    )
    AND NOT EXISTS (
        SELECT 1
        FROM gate_results
        WHERE
            gate_results.task_id = tasks.task_id
            AND gate_results.severity = 'error'
            AND NOT gate_results.passed
    );
