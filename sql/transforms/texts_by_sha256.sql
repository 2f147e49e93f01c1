-- One row per text of a passage that `incoming` (text_sha256) names.
SELECT DISTINCT
    incoming.text_sha256,
    passages.text
FROM passages
INNER JOIN incoming ON sha256(passages.text) = incoming.text_sha256
ORDER BY incoming.text_sha256;
