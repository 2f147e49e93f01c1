-- No row: removes every rejection of one stage, before the stage decides again.
DELETE FROM rejections
WHERE stage = $stage;
