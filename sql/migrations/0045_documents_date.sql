-- One row per document, now with its date, as it is written.
ALTER TABLE documents ADD COLUMN date VARCHAR;
