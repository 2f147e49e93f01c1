-- One row per text that several requests share (system message, schema), packed.
CREATE TABLE texts (
    "digest" TEXT PRIMARY KEY,
    "body" BLOB NOT NULL
);
