-- No row: removes every task whose passage does not count as asked (run drop_stale_authored first).
DELETE FROM tasks
WHERE tasks.passage_id NOT IN (SELECT authored.passage_id FROM authored);
