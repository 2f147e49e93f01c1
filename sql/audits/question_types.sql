-- One row per question type: tasks written, refused by an error-severity gate, and the refused share.
WITH refused AS (
    SELECT DISTINCT gate_results.task_id
    FROM gate_results
    WHERE gate_results.severity = 'error' AND NOT gate_results.passed
)

SELECT
    tasks.question_type,
    count(*) AS written,
    count(refused.task_id) AS refused,
    count(refused.task_id) / count(*) AS refused_share
FROM tasks
LEFT JOIN refused ON tasks.task_id = refused.task_id
GROUP BY tasks.question_type
ORDER BY written DESC, tasks.question_type ASC;
