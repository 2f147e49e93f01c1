-- One row per applied migration.
SELECT name FROM migrations;
