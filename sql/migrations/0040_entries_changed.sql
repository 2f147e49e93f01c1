-- One row per entry, now with its time of change (ctime); entries of before have none, and so are read again.
ALTER TABLE entries ADD COLUMN changed_ns BIGINT;
