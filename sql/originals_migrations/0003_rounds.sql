-- One row per source: its last round of asking, and whether it came to its end; one that did not is continued.
CREATE TABLE rounds (
    "source" TEXT PRIMARY KEY,
    "started_at" REAL NOT NULL,
    "finished" INTEGER NOT NULL
);
