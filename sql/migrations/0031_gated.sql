-- One row per task that passed the deterministic gates, whoever wrote it: gated, no failed error-severity gate that
-- needs no judge, its passage still selected, its document unchanged and not a duplicate.
CREATE VIEW gated AS
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
        WHERE gate_results.task_id = tasks.task_id AND NOT starts_with(gate_results.gate, 'judge_')
    )
    AND NOT EXISTS (
        SELECT 1
        FROM gate_results
        WHERE
            gate_results.task_id = tasks.task_id
            AND gate_results.severity = 'error'
            AND NOT gate_results.passed
            AND NOT starts_with(gate_results.gate, 'judge_')
    );
