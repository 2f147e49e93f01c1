-- One row per key: one more failed attempt; after $give_up_after of them the call is a dead letter.
UPDATE calls
SET
    state = CASE WHEN attempts + 1 >= $give_up_after THEN 'dead' ELSE 'open' END,
    attempts = attempts + 1,
    reason = $reason,
    owner = ''
WHERE key = $key;
