-- One row per shared text, written once.
INSERT INTO texts ("digest", "body") VALUES ($digest, $body) ON CONFLICT ("digest") DO NOTHING;
