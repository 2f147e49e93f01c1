-- One row per source: its round, begun or ended.
INSERT INTO rounds ("source", "started_at", "finished")
VALUES ($source, $started_at, $finished)
ON CONFLICT ("source") DO UPDATE SET "started_at" = $started_at, "finished" = $finished;
