-- No row: removes every score that a judge gave, before it grades the tasks anew.
DELETE FROM quality;
