-- One row per selected passage: its keys.
SELECT
    passages.passage_id,
    passages.document_key,
    passages.anchor
FROM passages
INNER JOIN selection ON passages.passage_id = selection.passage_id AND selection.selected
ORDER BY passages.passage_id;
