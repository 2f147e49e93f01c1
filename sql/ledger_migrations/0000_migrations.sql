-- One row per applied migration of the ledger.
CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY);
