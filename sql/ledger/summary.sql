-- One row per model, revision and state: calls, and what their answers cost.
SELECT
    calls.model,
    calls.revision,
    calls.state,
    COUNT(*) AS calls,
    COALESCE(SUM(calls.sent), 0) AS sent,
    COALESCE(SUM(answers.prompt_tokens), 0) AS prompt_tokens,
    COALESCE(SUM(answers.completion_tokens), 0) AS completion_tokens,
    COALESCE(SUM(answers.seconds), 0.0) AS seconds
FROM calls
LEFT JOIN answers ON calls.key = answers.key
GROUP BY calls.model, calls.revision, calls.state
ORDER BY calls.model, calls.revision, calls.state;
