-- One row per directory entry seen at the last ingest of its source.
CREATE TABLE entries (
    "document_key" VARCHAR NOT NULL,
    "source" VARCHAR,
    "size_bytes" BIGINT,
    "modified_ns" BIGINT,
    "settings_digest" VARCHAR,
    PRIMARY KEY (document_key)
);
