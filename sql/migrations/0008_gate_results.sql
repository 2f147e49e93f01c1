-- One row per task and gate.
CREATE TABLE gate_results (
    "task_id" VARCHAR NOT NULL,
    "gate" VARCHAR NOT NULL,
    "severity" VARCHAR,
    "passed" BOOLEAN,
    "figure" DOUBLE,
    "detail" VARCHAR,
    PRIMARY KEY (task_id, gate)
);
