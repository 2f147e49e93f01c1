-- One row per key: its call lies in an archive and goes here, but not while somebody holds it.
DELETE FROM calls
WHERE key = $key AND state = 'answered';
