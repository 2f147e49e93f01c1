-- One row per passage that its quality does not refuse, in order of its document and place.
SELECT
    passage_measures.passage_id,
    passage_measures.document_key,
    passage_measures.char_start,
    passage_measures.score,
    passage_measures.words_sha256,
    passage_measures.shingles
FROM passage_measures
WHERE passage_measures.reason = ''
ORDER BY passage_measures.document_key, passage_measures.char_start, passage_measures.passage_id;
