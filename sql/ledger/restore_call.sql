-- One row per key of an archive: the call is answered, unless it already was.
INSERT INTO calls ("key", "model", "revision", "state", "owner", "sent", "attempts", "reason")
VALUES ($key, $model, $revision, 'answered', '', $sent, $attempts, '')
ON CONFLICT ("key") DO UPDATE SET state = 'answered', owner = '', reason = '';
