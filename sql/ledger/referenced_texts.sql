-- One row per list of shared texts that some request still refers to.
SELECT DISTINCT texts FROM requests
WHERE body IS NOT NULL;
