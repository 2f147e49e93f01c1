-- No row: removes every result of a gate that needs no judge, before all tasks are checked again.
DELETE FROM gate_results
WHERE NOT starts_with(gate_results.gate, 'judge_');
