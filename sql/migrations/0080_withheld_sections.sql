-- One row per document that was cut while sections are withheld: its visible part as the author sees it, or why it has
-- none.
CREATE TABLE withheld_sections (
    "document_key" VARCHAR NOT NULL,
    "reason" VARCHAR,
    "detail" VARCHAR,
    "visible" VARCHAR,
    "visible_words" BIGINT,
    "passages" BIGINT,
    PRIMARY KEY (document_key)
);
