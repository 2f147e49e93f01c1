-- One row per gate of error severity: tasks it refused, those that no other gate refused as well, and its share of what
-- it checked.
WITH refusing AS (
    SELECT
        gate_results.task_id,
        gate_results.gate,
        count(*) OVER (PARTITION BY gate_results.task_id) AS refusals
    FROM gate_results
    INNER JOIN tasks ON gate_results.task_id = tasks.task_id
    WHERE gate_results.severity = 'error' AND NOT gate_results.passed
),

asked AS (
    SELECT
        gate_results.gate,
        count(*) AS checked
    FROM gate_results
    INNER JOIN tasks ON gate_results.task_id = tasks.task_id
    WHERE gate_results.severity = 'error'
    GROUP BY gate_results.gate
)

SELECT
    asked.gate,
    count(refusing.task_id) AS refused,
    count(*) FILTER (WHERE refusing.refusals = 1) AS refused_alone,
    count(refusing.task_id) / any_value(asked.checked) AS refused_share
FROM asked
LEFT JOIN refusing ON asked.gate = refusing.gate
GROUP BY asked.gate
ORDER BY refused DESC, asked.gate ASC;
