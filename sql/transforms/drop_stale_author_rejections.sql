-- No row: removes the author's rejections of passages that do not count as asked.
-- record_id: a passage_id, or one with '/slot'.
DELETE FROM rejections
WHERE
    rejections.stage = 'author'
    AND split_part(rejections.record_id, '/', 1) NOT IN (SELECT authored.passage_id FROM authored);
