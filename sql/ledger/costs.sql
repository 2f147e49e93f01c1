-- One row per model, revision, stage and kind (what stands before the slash in part) of answered calls: their cost.
-- told: answers whose server says what it had cached. uncached_told, uncached_shared: prompt tokens computed anew,
-- by the server's word, or by the share of the prompt that the one before it did not have.
-- asked: different things asked about, tries left out.
SELECT
    calls.model,
    calls.revision,
    COALESCE(requests.stage, '') AS stage,
    CASE WHEN INSTR(requests.part, '/') > 0 THEN SUBSTR(requests.part, 1, INSTR(requests.part, '/') - 1) ELSE '' END
        AS kind,
    COUNT(*) AS calls,
    COUNT(DISTINCT requests.subject) AS subjects,
    COUNT(DISTINCT requests.subject || ' ' || requests.part) AS asked,
    SUM(answers.prompt_tokens) AS prompt_tokens,
    SUM(answers.completion_tokens) AS completion_tokens,
    COALESCE(SUM(answers.cached_tokens), 0) AS cached_tokens,
    COUNT(answers.cached_tokens) AS told,
    COALESCE(SUM(answers.prompt_tokens - answers.cached_tokens), 0) AS uncached_told,
    SUM(
        CASE
            WHEN answers.cached_tokens IS NOT NULL THEN 0.0
            WHEN COALESCE(requests.characters, 0) = 0 THEN answers.prompt_tokens
            ELSE answers.prompt_tokens * (1.0 - 1.0 * requests.shared / requests.characters)
        END
    ) AS uncached_shared,
    SUM(answers.seconds) AS seconds
FROM answers
INNER JOIN calls ON answers.key = calls.key
LEFT JOIN requests ON answers.key = requests.key
GROUP BY
    calls.model,
    calls.revision,
    COALESCE(requests.stage, ''),
    CASE WHEN INSTR(requests.part, '/') > 0 THEN SUBSTR(requests.part, 1, INSTR(requests.part, '/') - 1) ELSE '' END
ORDER BY calls.model, calls.revision, stage, kind;
