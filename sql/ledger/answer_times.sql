-- One row per answer of $model at $revision for $stage that took any time: when it began and ended, since 1970.
SELECT
    answers.answered_at - answers.seconds AS began,
    answers.answered_at AS ended
FROM answers
INNER JOIN calls ON answers.key = calls.key
INNER JOIN requests ON answers.key = requests.key
WHERE calls.model = $model AND calls.revision = $revision AND requests.stage = $stage AND answers.seconds > 0
ORDER BY began, ended;
