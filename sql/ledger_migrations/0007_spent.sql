-- One row per model, revision and stage: everything ever settled, so that caps and costs outlive what is archived.
-- calls: answered or failed.
CREATE TABLE spent (
    "model" TEXT NOT NULL,
    "revision" TEXT NOT NULL,
    "stage" TEXT NOT NULL,
    "calls" INTEGER NOT NULL,
    "prompt_tokens" INTEGER NOT NULL,
    "completion_tokens" INTEGER NOT NULL,
    "seconds" REAL NOT NULL,
    PRIMARY KEY ("model", "revision", "stage")
);
