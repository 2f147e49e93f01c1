-- One row per rejection of this stage less: those of the documents that `incoming` names.
DELETE FROM rejections
WHERE stage = 'ingest' AND record_id IN (SELECT incoming.document_key FROM incoming);
