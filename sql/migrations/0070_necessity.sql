-- One row per criterion of a task whose reference and weak answer were graded: what it tells apart.
CREATE TABLE necessity (
    "task_id" VARCHAR NOT NULL,
    "criterion_key" VARCHAR NOT NULL,
    "category" VARCHAR,
    "weight" BIGINT,
    "reference_share" DOUBLE,
    "weak_share" DOUBLE,
    "margin_change" DOUBLE,
    "separates" BOOLEAN,
    PRIMARY KEY (task_id, criterion_key)
);
