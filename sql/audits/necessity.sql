-- One row per category of criterion in publishable tasks that a judge graded: criteria, how many of them tell no two
-- graded answers apart, how many the margin between reference and weak answer is larger without, and how much of the
-- margin one makes on average.
SELECT
    necessity.category,
    count(*) AS criteria,
    count(*) FILTER (WHERE NOT necessity.separates) AS unneeded,
    count(*) FILTER (WHERE necessity.margin_change < 0) AS widening_without,
    avg(necessity.margin_change) AS mean_margin_change
FROM necessity
INNER JOIN publishable ON necessity.task_id = publishable.task_id
GROUP BY necessity.category
ORDER BY criteria DESC, necessity.category ASC;
