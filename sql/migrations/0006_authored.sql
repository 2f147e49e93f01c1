-- One row per passage and author that has been asked.
CREATE TABLE authored (
    "passage_id" VARCHAR NOT NULL,
    "author" VARCHAR NOT NULL,
    "tasks" BIGINT,
    PRIMARY KEY (passage_id, author)
);
