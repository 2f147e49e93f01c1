-- One row per model, revision and stage: everything ever settled.
SELECT
    model,
    revision,
    stage,
    calls,
    prompt_tokens,
    completion_tokens,
    seconds
FROM spent
ORDER BY model, revision, stage;
