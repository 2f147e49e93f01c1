-- One row per item that a listing named. url: where its bytes are, '' where nowhere; metadata: JSON object;
-- reason, detail: why it is no document; seen_at: start of the last listing that named it.
CREATE TABLE listed (
    "source" TEXT NOT NULL,
    "item" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "metadata" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "seen_at" REAL NOT NULL,
    PRIMARY KEY ("source", "item")
);
