-- One row per entry less: those that `incoming` names.
DELETE FROM entries
WHERE document_key IN (SELECT incoming.document_key FROM incoming);
