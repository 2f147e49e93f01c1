-- One row per gate and severity: how many tasks it checked and refused.
SELECT
    gate_results.gate,
    gate_results.severity,
    count(*) AS checked,
    count(*) FILTER (WHERE NOT gate_results.passed) AS refused
FROM gate_results
INNER JOIN tasks ON gate_results.task_id = tasks.task_id
GROUP BY gate_results.gate, gate_results.severity
ORDER BY gate_results.gate ASC, gate_results.severity ASC;
