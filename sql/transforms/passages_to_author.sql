-- One row per selected passage that has not been asked about, with its document's title.
SELECT
    passages.*,
    coalesce(documents.title, '') AS title
FROM passages
INNER JOIN selection ON passages.passage_id = selection.passage_id AND selection.selected
INNER JOIN documents ON passages.document_key = documents.document_key
WHERE
    passages.passage_id NOT IN (
        SELECT authored.passage_id
        FROM authored
        WHERE authored.author = $asked
    )
ORDER BY passages.document_key, passages.char_start, passages.passage_id;
