-- One row per subject of $stage that $model at $revision has answered something about.
SELECT DISTINCT requests.subject
FROM requests
INNER JOIN calls ON requests.key = calls.key
WHERE
    calls.model = $model
    AND calls.revision = $revision
    AND calls.state = 'answered'
    AND requests.stage = $stage
    AND requests.subject != '';
