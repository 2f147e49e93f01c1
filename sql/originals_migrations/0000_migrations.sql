-- One row per applied migration of the index of originals.
CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY);
