-- One row, if the tables are made: all of them are, in one transaction.
SELECT name
FROM sqlite_master
WHERE type = 'table' AND name = 'migrations';
