-- One row per answered call, as it came back.
-- failure: '' or why the answer is unusable; answered_at: seconds since 1970.
CREATE TABLE answers (
    "key" TEXT PRIMARY KEY REFERENCES calls ("key"),
    "text" TEXT NOT NULL,
    "failure" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "endpoint" TEXT NOT NULL,
    "served_model" TEXT NOT NULL,
    "prompt_tokens" INTEGER NOT NULL,
    "completion_tokens" INTEGER NOT NULL,
    "seconds" REAL NOT NULL,
    "answered_at" REAL NOT NULL
);
