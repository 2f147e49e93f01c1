-- One row per slot of a passage that a language-model author tried: difficulty as it says, its answer without the
-- passage, what refused its first version, and how often that went back to it.
CREATE TABLE task_notes (
    "task_key" VARCHAR NOT NULL,
    "passage_id" VARCHAR,
    "mode" VARCHAR,
    "difficulty" VARCHAR,
    "weak_answer" VARCHAR,
    "first_refusal" VARCHAR,
    "repair_rounds" BIGINT,
    PRIMARY KEY (task_key)
);
