-- One row per document less: those that `incoming` names.
DELETE FROM documents
WHERE document_key IN (SELECT incoming.document_key FROM incoming);
