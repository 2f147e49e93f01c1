-- One row per call answered before $cutoff: what was asked is dropped, what it was for stays.
UPDATE requests SET body = NULL, texts = ''
WHERE
    body IS NOT NULL
    AND key IN (
        SELECT answers.key FROM answers
        WHERE answers.answered_at < $cutoff
    );
