-- One row per document still; duplicate_of names the first key (in sort order) of the same bytes, NULL for that one.
-- Downstream readers take the rows where duplicate_of IS NULL.
ALTER TABLE documents ADD COLUMN duplicate_of VARCHAR;
