-- One row per model, revision and stage of $key: one more settled call and what it cost.
INSERT INTO spent ("model", "revision", "stage", "calls", "prompt_tokens", "completion_tokens", "seconds")
SELECT
    calls.model,
    calls.revision,
    COALESCE(requests.stage, '') AS stage,
    1 AS calls,
    $prompt_tokens,
    $completion_tokens,
    $seconds
FROM calls
LEFT JOIN requests ON calls.key = requests.key
WHERE calls.key = $key
ON CONFLICT ("model", "revision", "stage") DO UPDATE SET
    calls = calls + 1,
    prompt_tokens = prompt_tokens + $prompt_tokens,
    completion_tokens = completion_tokens + $completion_tokens,
    seconds = seconds + $seconds;
