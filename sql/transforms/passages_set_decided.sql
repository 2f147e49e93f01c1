-- One row: the digest of a kind, replacing the one before.
INSERT OR REPLACE INTO passages_decided
VALUES ($kind, $digest);
