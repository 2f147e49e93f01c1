-- One row per kind of digest.
SELECT
    passages_decided.kind,
    passages_decided.digest
FROM passages_decided
ORDER BY passages_decided.kind;
