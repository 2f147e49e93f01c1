-- One row per passage: what its document says of it; signatures and shingles lie in files now.
-- Passages of before are cut anew.
CREATE OR REPLACE TABLE passage_measures (
    "passage_id" VARCHAR NOT NULL,
    "document_key" VARCHAR,
    "char_start" BIGINT,
    "score" DOUBLE,
    "reason" VARCHAR,
    "detail" VARCHAR,
    "words_sha256" VARCHAR,
    "shingles_key" BIGINT,
    "shard" VARCHAR,
    "shard_row" BIGINT,
    PRIMARY KEY (passage_id)
);
