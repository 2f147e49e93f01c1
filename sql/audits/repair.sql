-- One row per reason that refused a first version: how many went back to the author, and how many of them passed the
-- deterministic gates, and all gates, afterwards.
SELECT
    task_notes.first_refusal AS reason,
    count(*) AS tried,
    count(gated.task_id) AS mended,
    count(publishable.task_id) AS publishable
FROM task_notes
LEFT JOIN gated ON task_notes.task_key = gated.task_key
LEFT JOIN publishable ON task_notes.task_key = publishable.task_key
WHERE task_notes.repair_rounds > 0
GROUP BY task_notes.first_refusal
ORDER BY tried DESC, reason ASC;
