-- One row per kind of digest: what clusters, and what all rows of this stage, were decided from.
-- Not exported: without it all is decided anew.
CREATE TABLE passages_decided (
    "kind" VARCHAR NOT NULL,
    "digest" VARCHAR,
    PRIMARY KEY (kind)
);
