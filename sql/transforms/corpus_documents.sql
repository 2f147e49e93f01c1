-- One row per kept document: what the corpus hash is made of.
SELECT
    documents.document_key,
    documents.document_id,
    documents.licence,
    documents.extractor
FROM documents
WHERE documents.duplicate_of IS NULL
ORDER BY documents.document_key;
