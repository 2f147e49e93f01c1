-- One row per task an author wrote.
CREATE TABLE tasks (
    "task_id" VARCHAR,
    "task_key" VARCHAR NOT NULL,
    "passage_id" VARCHAR,
    "document_id" VARCHAR,
    "document_key" VARCHAR,
    "prompt" STRUCT("role" VARCHAR, "content" VARCHAR)[],
    "question" VARCHAR,
    "question_type" VARCHAR,
    "reference_answer" VARCHAR,
    "rubric" STRUCT(
        "criterion_id" VARCHAR,
        "criterion_key" VARCHAR,
        "title" VARCHAR,
        "description" VARCHAR,
        "category" VARCHAR,
        "weight" BIGINT,
        "required_elements" VARCHAR[],
        "scoring_guide" STRUCT("level" BIGINT, "meaning" VARCHAR)[],
        "verification_cues" VARCHAR[],
        "evidence" STRUCT("start" BIGINT, "end" BIGINT, "quote" VARCHAR)[]
    )[],
    "author" VARCHAR,
    "evidence_grade" VARCHAR,
    PRIMARY KEY (task_key)
);
