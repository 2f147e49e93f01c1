-- No row: removes every gate result, before all tasks are checked again.
DELETE FROM gate_results;
