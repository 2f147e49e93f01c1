-- One row per entry, now with the marker its source gives it in place of times, which only files have.
ALTER TABLE entries ADD COLUMN marker VARCHAR;
