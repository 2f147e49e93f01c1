-- One row per licence: kept documents, and publishable tasks made from them.
SELECT
    documents.licence,
    count(DISTINCT documents.document_key) AS documents,
    count(publishable.task_key) AS tasks
FROM documents
LEFT JOIN publishable ON documents.document_key = publishable.document_key
GROUP BY documents.licence
ORDER BY tasks DESC, documents.licence ASC;
