-- One row per model and revision of calls settled before anything was counted; their stage is unknown: ''.
INSERT INTO spent ("model", "revision", "stage", "calls", "prompt_tokens", "completion_tokens", "seconds")
SELECT
    calls.model,
    calls.revision,
    '' AS stage,
    SUM(calls.attempts) + COUNT(answers.key) AS calls,
    COALESCE(SUM(answers.prompt_tokens), 0) AS prompt_tokens,
    COALESCE(SUM(answers.completion_tokens), 0) AS completion_tokens,
    COALESCE(SUM(answers.seconds), 0.0) AS seconds
FROM calls
LEFT JOIN answers ON calls.key = answers.key
WHERE calls.attempts > 0 OR answers.key IS NOT NULL
GROUP BY calls.model, calls.revision;
