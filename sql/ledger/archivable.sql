-- One row per answer from before $cutoff whose subject is known: what retention may look at.
SELECT
    answers.key,
    requests.stage,
    requests.subject
FROM answers
INNER JOIN requests ON answers.key = requests.key
WHERE answers.answered_at < $cutoff AND requests.subject != ''
ORDER BY answers.key;
