-- One row per key: the call is in flight under the lease of $owner.
INSERT INTO calls ("key", "model", "revision", "state", "owner", "sent", "attempts", "reason")
VALUES ($key, $model, $revision, 'in_flight', $owner, 1, 0, '')
ON CONFLICT ("key") DO UPDATE SET state = 'in_flight', owner = $owner, sent = sent + 1;
