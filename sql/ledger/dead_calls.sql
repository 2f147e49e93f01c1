-- One row per dead letter, with its reason.
SELECT
    key,
    attempts,
    reason
FROM calls
WHERE state = 'dead'
ORDER BY key;
