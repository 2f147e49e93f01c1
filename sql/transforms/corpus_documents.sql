-- One row per kept document: what the corpus hash is made of.
SELECT
    documents.document_key,
    documents.document_id,
    documents.licence,
    documents.extractor
FROM documents
ORDER BY documents.document_key;
