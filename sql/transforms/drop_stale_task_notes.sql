-- No row: removes every note on a passage that does not count as asked (run drop_stale_authored first).
DELETE FROM task_notes
WHERE task_notes.passage_id NOT IN (SELECT authored.passage_id FROM authored);
