-- One row per task that may be published: as gated, and no failed error-severity gate of a judge.
CREATE OR REPLACE VIEW publishable AS
SELECT gated.*
FROM gated
WHERE
    NOT EXISTS (
        SELECT 1
        FROM gate_results
        WHERE
            gate_results.task_id = gated.task_id
            AND gate_results.severity = 'error'
            AND NOT gate_results.passed
            AND starts_with(gate_results.gate, 'judge_')
    );
