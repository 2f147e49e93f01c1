-- One row per key: the call is answered and its lease over.
UPDATE calls SET state = 'answered', owner = '', reason = ''
WHERE key = $key;
