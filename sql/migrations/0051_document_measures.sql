-- One row per document that was cut: from what, and where its signature and shingles lie.
CREATE TABLE document_measures (
    "document_key" VARCHAR NOT NULL,
    "document_id" VARCHAR,
    "settings_digest" VARCHAR,
    "passages" BIGINT,
    "shingles_key" BIGINT,
    "shard" VARCHAR,
    "shard_row" BIGINT,
    PRIMARY KEY (document_key)
);
