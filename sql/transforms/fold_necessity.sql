-- One row per row of `incoming`, replacing the row of the same key.
INSERT OR REPLACE INTO necessity BY NAME
SELECT * FROM incoming;
