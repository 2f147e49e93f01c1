-- One row: how many passages were asked about by an author, or with settings, other than $asked.
SELECT count(*) AS passages
FROM authored
WHERE authored.author <> $asked;
