-- One row per passage that is selected, or in the cluster of a selected one, of each document with publishable tasks:
-- what the document's side of the split hangs on.
WITH followed AS (
    SELECT DISTINCT selection.cluster
    FROM selection
    WHERE selection.selected
)

SELECT
    passages.document_key,
    passages.document_id,
    passages.passage_id,
    selection.cluster,
    documents.source,
    coalesce(documents.licence, 'unknown') AS licence,
    sha256(passages.text) AS text_sha256
FROM passages
INNER JOIN selection ON passages.passage_id = selection.passage_id
INNER JOIN followed ON selection.cluster = followed.cluster
INNER JOIN documents ON passages.document_key = documents.document_key AND passages.document_id = documents.document_id
WHERE
    passages.document_key IN (
        SELECT publishable.document_key
        FROM publishable
    )
ORDER BY passages.document_key ASC, passages.passage_id ASC;
