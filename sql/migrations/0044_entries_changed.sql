-- One row per entry, without its time of change: the marker holds it.
ALTER TABLE entries DROP COLUMN changed_ns;
