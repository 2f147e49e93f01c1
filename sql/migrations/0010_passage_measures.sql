-- One row per passage: what its document says of it; duplicates and selection are decided without the text.
CREATE TABLE passage_measures (
    "passage_id" VARCHAR NOT NULL,
    "document_key" VARCHAR,
    "char_start" BIGINT,
    "score" DOUBLE,
    "reason" VARCHAR,
    "detail" VARCHAR,
    "words_sha256" VARCHAR,
    "shingles" BLOB,
    PRIMARY KEY (passage_id)
);
