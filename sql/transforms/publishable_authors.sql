-- One row per author and evidence grade of publishable tasks.
SELECT
    publishable.author,
    publishable.evidence_grade,
    count(*) AS tasks
FROM publishable
GROUP BY publishable.author, publishable.evidence_grade
ORDER BY publishable.author ASC, publishable.evidence_grade ASC;
