-- One row per passage that a publishable task stands on,
-- of the documents that `incoming` (document_key, split) puts on the split.
SELECT DISTINCT
    publishable.passage_id AS grounding_id,
    publishable.document_id,
    publishable.document_key,
    publishable.text,
    publishable.title,
    publishable.source_uri,
    publishable.page_start,
    publishable.page_end,
    publishable.char_start,
    publishable.char_end,
    publishable.licence,
    sha256(publishable.text) AS sha256
FROM publishable
INNER JOIN incoming ON publishable.document_key = incoming.document_key
WHERE incoming.split = $split
ORDER BY publishable.document_key, publishable.char_start, publishable.passage_id;
