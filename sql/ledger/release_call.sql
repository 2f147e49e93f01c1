-- One row per key: the lease of $owner is given back without an attempt being counted.
UPDATE calls SET state = 'open', owner = ''
WHERE key = $key AND owner = $owner AND state = 'in_flight';
