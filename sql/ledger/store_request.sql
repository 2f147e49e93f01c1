-- One row per key: what is being sent now and what for; who pays last is who pays.
INSERT INTO requests ("key", "stage", "subject", "part", "characters", "shared", "texts", "body")
VALUES ($key, $stage, $subject, $part, $characters, $shared, $texts, $body)
ON CONFLICT ("key") DO UPDATE SET
    stage = $stage, subject = $subject, part = $part, characters = $characters, shared = $shared, texts = $texts,
    body = $body;
