-- One row per document in `incoming` that was cut while sections are withheld; a former one of its key is replaced.
INSERT OR REPLACE INTO withheld_sections BY NAME
SELECT * FROM incoming;
