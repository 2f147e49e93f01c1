-- One row per exact_duplicate rejection less: those whose document is no duplicate any more.
DELETE FROM rejections
WHERE
    stage = 'ingest'
    AND reason = 'exact_duplicate'
    AND record_id NOT IN (
        SELECT documents.document_key
        FROM documents
        WHERE documents.duplicate_of IS NOT NULL
    );
