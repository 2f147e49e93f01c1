-- No row: removes every result of a gate that needs a judge, before all tasks are judged again.
DELETE FROM gate_results
WHERE starts_with(gate_results.gate, 'judge_');
