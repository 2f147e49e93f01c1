-- One row per question that several publishable tasks ask in the same words, letters' case and white space apart: how
-- many tasks and documents.
SELECT
    lower(trim(regexp_replace(publishable.question, '\s+', ' ', 'g'))) AS question,
    count(*) AS tasks,
    count(DISTINCT publishable.document_key) AS documents
FROM publishable
GROUP BY lower(trim(regexp_replace(publishable.question, '\s+', ' ', 'g')))
HAVING count(*) > 1
ORDER BY tasks DESC, question ASC;
