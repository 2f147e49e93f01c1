-- One row: how many passages were asked about by an author, or with settings, other than $asked;
-- what work list and reviews add for a passage stands behind it.
SELECT count(*) AS passages
FROM authored
WHERE NOT starts_with(authored.author, $asked);
