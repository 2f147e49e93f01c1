-- One row per dead letter: it may be tried again.
UPDATE calls SET state = 'open', attempts = 0
WHERE state = 'dead';
