-- One row per difficulty that a language-model author says it wrote for (asked for, not measured): tasks tried, those
-- that passed the deterministic gates, and what the judge gave to the answer without the passage.
SELECT
    task_notes.mode,
    task_notes.difficulty,
    count(*) AS tried,
    count(gated.task_id) AS passed,
    avg(quality.weak_score) AS mean_weak_score
FROM task_notes
LEFT JOIN gated ON task_notes.task_key = gated.task_key
LEFT JOIN quality ON gated.task_id = quality.task_id
GROUP BY task_notes.mode, task_notes.difficulty
ORDER BY task_notes.mode ASC, task_notes.difficulty ASC;
