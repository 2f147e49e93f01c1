-- One row per publishable task whose document `incoming` (document_key, split) puts on the split,
-- with its scores where a judge gave some.
SELECT
    publishable.task_id,
    publishable.task_key,
    publishable.prompt,
    publishable.question,
    publishable.question_type,
    publishable.reference_answer,
    publishable.rubric,
    publishable.passage_id AS grounding_id,
    publishable.document_id,
    publishable.document_key,
    publishable.source_uri,
    publishable.licence,
    publishable.genre,
    publishable.section,
    publishable.page_start,
    publishable.page_end,
    quality.reference_score,
    quality.weak_score,
    quality.mismatch_score,
    quality.spread,
    quality.difficulty,
    publishable.author,
    publishable.evidence_grade
FROM publishable
INNER JOIN incoming ON publishable.document_key = incoming.document_key
LEFT JOIN quality ON publishable.task_id = quality.task_id
WHERE incoming.split = $split
ORDER BY publishable.task_key;
