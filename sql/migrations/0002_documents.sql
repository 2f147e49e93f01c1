-- One row per document whose text was extracted (the text itself lies in texts/<shard>.parquet).
CREATE TABLE documents (
    "document_key" VARCHAR NOT NULL,
    "document_id" VARCHAR,
    "source" VARCHAR,
    "source_uri" VARCHAR,
    "media_type" VARCHAR,
    "size_bytes" BIGINT,
    "title" VARCHAR,
    "authors" VARCHAR,
    "language" VARCHAR,
    "licence" VARCHAR,
    "genre" VARCHAR,
    "page_count" BIGINT,
    "characters" BIGINT,
    "words" BIGINT,
    "removed_characters" BIGINT,
    "extractor" VARCHAR,
    "settings_digest" VARCHAR,
    "shard" VARCHAR,
    "seconds" DOUBLE,
    PRIMARY KEY (document_key)
);
