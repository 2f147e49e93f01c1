-- One row per document, now with its DOI.
ALTER TABLE documents ADD COLUMN doi VARCHAR;
