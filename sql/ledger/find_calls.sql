-- One row per key of $keys (a JSON list) that is known: how the call stands, and its answer where there is one.
SELECT
    calls.key,
    calls.state,
    calls.owner,
    calls.attempts,
    calls.reason,
    answers.text,
    answers.failure,
    answers.detail,
    answers.endpoint,
    answers.served_model,
    answers.prompt_tokens,
    answers.completion_tokens,
    answers.seconds,
    answers.engine,
    answers.cached_tokens
FROM calls
LEFT JOIN answers ON calls.key = answers.key
WHERE calls.key IN (SELECT value FROM JSON_EACH($keys));
