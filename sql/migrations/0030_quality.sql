-- One row per task that a judge graded: what it gave to the reference answer and to two that deserve little.
CREATE TABLE quality (
    "task_id" VARCHAR NOT NULL,
    "judge" VARCHAR,
    "graded_as" VARCHAR,
    "reference_score" DOUBLE,
    "weak_score" DOUBLE,
    "mismatch_score" DOUBLE,
    "spread" DOUBLE,
    "difficulty" DOUBLE,
    PRIMARY KEY (task_id)
);
