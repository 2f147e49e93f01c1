-- One row per selected passage that does not count as asked (run drop_stale_authored first), with its document's title;
-- those that `incoming` (passage_id, particulars) names for a request or review come first.
SELECT
    passages.*,
    coalesce(documents.title, '') AS title
FROM passages
INNER JOIN selection ON passages.passage_id = selection.passage_id AND selection.selected
INNER JOIN documents ON passages.document_key = documents.document_key
LEFT JOIN incoming ON passages.passage_id = incoming.passage_id
WHERE passages.passage_id NOT IN (SELECT authored.passage_id FROM authored)
ORDER BY
    NOT coalesce(regexp_matches(incoming.particulars, 'requests=|review='), FALSE),
    passages.document_key,
    passages.char_start,
    passages.passage_id;
