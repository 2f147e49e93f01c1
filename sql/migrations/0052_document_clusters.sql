-- One row per document that was cut: the one that represents its near-duplicates, and how near it is to that.
CREATE TABLE document_clusters (
    "document_key" VARCHAR NOT NULL,
    "cluster" VARCHAR,
    "similarity" DOUBLE,
    PRIMARY KEY (document_key)
);
