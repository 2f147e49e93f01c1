-- One row per passage of a document.
CREATE TABLE passages (
    "passage_id" VARCHAR NOT NULL,
    "document_id" VARCHAR,
    "document_key" VARCHAR,
    "anchor" VARCHAR,
    "section" VARCHAR,
    "ordinal" BIGINT,
    "char_start" BIGINT,
    "char_end" BIGINT,
    "page_start" BIGINT,
    "page_end" BIGINT,
    "text" VARCHAR,
    "words" BIGINT,
    "settings_digest" VARCHAR,
    PRIMARY KEY (passage_id)
);
