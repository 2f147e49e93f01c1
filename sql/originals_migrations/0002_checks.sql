-- One row per item that was asked for: which row of fetches it is now, and when that was last confirmed.
-- at: seconds since 1970; again: 1 where the last try failed in a way that may pass.
CREATE TABLE checks (
    "source" TEXT NOT NULL,
    "item" TEXT NOT NULL,
    "fetch_id" INTEGER NOT NULL REFERENCES fetches ("id"),
    "at" REAL NOT NULL,
    "again" INTEGER NOT NULL,
    PRIMARY KEY ("source", "item")
);
