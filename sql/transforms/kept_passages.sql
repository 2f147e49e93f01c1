-- One row per usable passage, selected or not, of each kept document, with tasks or without:
-- what the document's side of the split hangs on.
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
INNER JOIN documents ON passages.document_key = documents.document_key AND passages.document_id = documents.document_id
WHERE
    documents.duplicate_of IS NULL
    AND passages.passage_id NOT IN (
        SELECT passage_measures.passage_id
        FROM passage_measures
        WHERE passage_measures.reason <> ''
    )
ORDER BY passages.document_key ASC, passages.passage_id ASC;
