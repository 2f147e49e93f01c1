-- One row per document, now with its subjects.
ALTER TABLE documents ADD COLUMN subjects VARCHAR;
