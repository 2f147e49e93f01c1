-- One row per call that was ever wanted. state: open, in_flight, answered or dead.
-- owner: who holds the lease of a call in flight; sent: claims; attempts: those that failed.
CREATE TABLE calls (
    "key" TEXT PRIMARY KEY,
    "model" TEXT NOT NULL,
    "revision" TEXT NOT NULL,
    "state" TEXT NOT NULL CHECK (state IN ('open', 'in_flight', 'answered', 'dead')),
    "owner" TEXT NOT NULL,
    "sent" INTEGER NOT NULL,
    "attempts" INTEGER NOT NULL,
    "reason" TEXT NOT NULL
);
