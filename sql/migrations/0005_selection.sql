-- One row per passage: its near-duplicate cluster, and whether tasks are asked of it.
CREATE TABLE selection (
    "passage_id" VARCHAR NOT NULL,
    "cluster" VARCHAR,
    "duplicate_of" VARCHAR,
    "score" DOUBLE,
    "selected" BOOLEAN,
    PRIMARY KEY (passage_id)
);
