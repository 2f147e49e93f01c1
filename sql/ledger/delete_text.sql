-- One row: a shared text that no request refers to goes.
DELETE FROM texts
WHERE digest = $digest;
