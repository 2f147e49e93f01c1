-- One row per dead letter, with its reason and what it was for.
SELECT
    calls.key,
    calls.attempts,
    calls.reason,
    calls.model,
    COALESCE(requests.stage, '') AS stage,
    COALESCE(requests.subject, '') AS subject
FROM calls
LEFT JOIN requests ON calls.key = requests.key
WHERE calls.state = 'dead'
ORDER BY calls.key;
