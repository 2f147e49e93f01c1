-- One row per row of `incoming`, replacing the row of the same key.
INSERT OR REPLACE INTO task_notes BY NAME
SELECT * FROM incoming;
