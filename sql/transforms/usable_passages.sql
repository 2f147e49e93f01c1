-- One row per passage that its quality does not refuse, in order of its document and place.
-- document: position in key order; words: 63 bits of the exact key; cluster and what follows:
-- as it was decided before, null where it is not placed yet.
WITH ordered AS (
    SELECT
        document_measures.document_key,
        ROW_NUMBER() OVER (ORDER BY document_measures.document_key) - 1 AS document
    FROM document_measures
)

SELECT
    passage_measures.passage_id,
    ordered.document,
    passage_measures.score,
    CAST(CAST('0x' || passage_measures.words_sha256[1:16] AS UBIGINT) >> 1 AS BIGINT) AS words,
    passage_measures.shingles_key,
    passage_measures.shard,
    passage_measures.shard_row,
    selection.cluster,
    selection.duplicate_of,
    selection.similarity
FROM passage_measures
INNER JOIN ordered ON passage_measures.document_key = ordered.document_key
LEFT JOIN selection ON passage_measures.passage_id = selection.passage_id
WHERE passage_measures.reason = ''
ORDER BY ordered.document, passage_measures.char_start, passage_measures.passage_id;
