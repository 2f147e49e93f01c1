-- One row per document, now with its report number.
ALTER TABLE documents ADD COLUMN report_number VARCHAR;
