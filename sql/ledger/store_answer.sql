-- One row per key: its answer; a first answer is never overwritten.
INSERT INTO answers (
    "key", "text", "failure", "detail", "endpoint", "served_model", "prompt_tokens", "completion_tokens",
    "seconds", "engine", "cached_tokens", "answered_at"
)
VALUES (
    $key, $text, $failure, $detail, $endpoint, $served_model, $prompt_tokens, $completion_tokens,
    $seconds, $engine, $cached_tokens, $answered_at
)
ON CONFLICT ("key") DO NOTHING;
