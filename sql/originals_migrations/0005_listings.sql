-- One row per source with a search: how far its last listing is. query: digest of what was asked;
-- next_page: the page to ask for; records: counted so far, repeated ones too; total: the most that the server
-- counted, -1 unknown; pass: 1, or 2 for a second look; idle: pages on end that named nothing new;
-- valid_from: items seen before are gone.
CREATE TABLE listings (
    "source" TEXT PRIMARY KEY,
    "query" TEXT NOT NULL,
    "started_at" REAL NOT NULL,
    "next_page" INTEGER NOT NULL,
    "records" INTEGER NOT NULL,
    "total" INTEGER NOT NULL,
    "pass" INTEGER NOT NULL,
    "idle" INTEGER NOT NULL,
    "complete" INTEGER NOT NULL,
    "valid_from" REAL NOT NULL
);
