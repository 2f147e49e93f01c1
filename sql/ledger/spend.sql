-- One row per model, revision and stage of $costs: so many more settled calls and what they cost.
-- $costs: JSON list of [key, prompt tokens, completion tokens, seconds], a call each.
INSERT INTO spent ("model", "revision", "stage", "calls", "prompt_tokens", "completion_tokens", "seconds")
SELECT
    calls.model,
    calls.revision,
    COALESCE(requests.stage, '') AS stage,
    COUNT(*) AS calls,
    SUM(JSON_EXTRACT(costs.value, '$[1]')) AS prompt_tokens,
    SUM(JSON_EXTRACT(costs.value, '$[2]')) AS completion_tokens,
    SUM(JSON_EXTRACT(costs.value, '$[3]')) AS seconds
FROM JSON_EACH($costs) AS costs
INNER JOIN calls ON JSON_EXTRACT(costs.value, '$[0]') = calls.key
LEFT JOIN requests ON calls.key = requests.key
WHERE calls.key IS NOT NULL
GROUP BY calls.model, calls.revision, COALESCE(requests.stage, '')
ON CONFLICT ("model", "revision", "stage") DO UPDATE SET
    calls = spent.calls + excluded.calls,
    prompt_tokens = spent.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = spent.completion_tokens + excluded.completion_tokens,
    seconds = spent.seconds + excluded.seconds;
