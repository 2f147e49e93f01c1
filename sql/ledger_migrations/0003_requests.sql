-- One row per call that was sent since requests are kept. stage, subject (passage or task), part: what it was paid for.
-- characters: of the prompt; shared: leading ones that the prompt before it had too.
-- body: the request, packed, NULL once dropped; texts: digests of the texts it shares with others.
CREATE TABLE requests (
    "key" TEXT PRIMARY KEY REFERENCES calls ("key"),
    "stage" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "part" TEXT NOT NULL,
    "characters" INTEGER NOT NULL,
    "shared" INTEGER NOT NULL,
    "texts" TEXT NOT NULL,
    "body" BLOB
);
