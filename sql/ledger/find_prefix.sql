-- One row per call whose key begins with $prefix (hexadecimal), at most $most: what was asked, what came back.
SELECT
    calls.key,
    calls.model,
    calls.revision,
    calls.state,
    calls.sent,
    calls.attempts,
    calls.reason,
    COALESCE(requests.stage, '') AS stage,
    COALESCE(requests.subject, '') AS subject,
    COALESCE(requests.part, '') AS part,
    requests.characters,
    requests.shared,
    requests.texts,
    requests.body,
    answers.text,
    answers.failure,
    answers.detail,
    answers.endpoint,
    answers.served_model,
    answers.engine,
    answers.prompt_tokens,
    answers.cached_tokens,
    answers.completion_tokens,
    answers.seconds,
    answers.answered_at
FROM calls
LEFT JOIN requests ON calls.key = requests.key
LEFT JOIN answers ON calls.key = answers.key
WHERE calls.key >= $prefix AND calls.key < $prefix || 'g'
ORDER BY calls.key
LIMIT $most;
