-- One row per change of what a remote item is: bytes (sha256, size_bytes), or why there are none (reason, detail).
-- Never updated. url: what was asked for; final_url: where it was found; at: seconds since 1970;
-- etag, last_modified: what that answer left for a conditional request.
CREATE TABLE fetches (
    "id" INTEGER PRIMARY KEY,
    "source" TEXT NOT NULL,
    "item" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "final_url" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,
    "size_bytes" INTEGER NOT NULL,
    "etag" TEXT NOT NULL,
    "last_modified" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "at" REAL NOT NULL
);
