-- One row per migration: this one is applied.
INSERT INTO migrations (name) VALUES ($name);
