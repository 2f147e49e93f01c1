-- One row per key: its answer lies in an archive and goes here.
DELETE FROM answers
WHERE key = $key;
