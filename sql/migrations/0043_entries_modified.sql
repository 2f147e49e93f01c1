-- One row per entry, without its time of modification: the marker holds it.
ALTER TABLE entries DROP COLUMN modified_ns;
