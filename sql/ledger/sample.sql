-- One row per stage of $model at $revision: sums and sums of squares over what each subject (passage, task) took.
-- uncached: prompt tokens computed anew, by the server's word, else by the share the prompt before it did not have.
WITH totals AS (
    SELECT
        requests.stage,
        requests.subject,
        COUNT(*) AS calls,
        SUM(answers.prompt_tokens) AS prompt,
        SUM(
            CASE
                WHEN answers.cached_tokens IS NOT NULL THEN answers.prompt_tokens - answers.cached_tokens
                WHEN requests.characters = 0 THEN answers.prompt_tokens
                ELSE answers.prompt_tokens * (1.0 - 1.0 * requests.shared / requests.characters)
            END
        ) AS uncached,
        SUM(answers.completion_tokens) AS completion,
        SUM(answers.seconds) AS seconds,
        COUNT(answers.cached_tokens) AS told
    FROM requests
    INNER JOIN calls ON requests.key = calls.key
    INNER JOIN answers ON requests.key = answers.key
    WHERE calls.model = $model AND calls.revision = $revision AND requests.subject != ''
    GROUP BY requests.stage, requests.subject
)

SELECT
    stage,
    COUNT(*) AS subjects,
    SUM(calls) AS calls,
    SUM(calls * calls) AS calls_squares,
    SUM(prompt) AS prompt,
    SUM(1.0 * prompt * prompt) AS prompt_squares,
    SUM(uncached) AS uncached,
    SUM(uncached * uncached) AS uncached_squares,
    SUM(completion) AS completion,
    SUM(1.0 * completion * completion) AS completion_squares,
    SUM(seconds) AS seconds,
    SUM(seconds * seconds) AS seconds_squares,
    SUM(told) AS told
FROM totals
GROUP BY stage
ORDER BY stage;
