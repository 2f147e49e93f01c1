-- One row per dead letter of $key: it is open again, with no attempt counted.
UPDATE calls SET state = 'open', attempts = 0, reason = ''
WHERE key = $key AND state = 'dead';
