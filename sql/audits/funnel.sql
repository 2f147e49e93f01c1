-- One row: how many records each stage saw and left, from files in the sources to tasks that may be published.
WITH named AS (
    SELECT documents.document_key AS record_id
    FROM documents
    UNION
    SELECT rejections.record_id
    FROM rejections
    WHERE rejections.stage = 'ingest'
)

SELECT
    (SELECT count(*) FROM named) AS documents_seen,
    (SELECT count(*) FILTER (WHERE documents.duplicate_of IS NULL) FROM documents) AS documents_kept,
    (SELECT count(*) FROM passages) AS passages_cut,
    (SELECT count(*) FILTER (WHERE selection.selected) FROM selection) AS passages_selected,
    (SELECT count(DISTINCT tasks.passage_id) FROM tasks) AS passages_with_tasks,
    (SELECT count(*) FROM tasks) AS tasks_written,
    (SELECT count(*) FROM gated) AS tasks_gated,
    (SELECT count(*) FROM publishable) AS tasks_passed;
