-- One row per key: its request lies in an archive and goes here.
DELETE FROM requests
WHERE key = $key;
