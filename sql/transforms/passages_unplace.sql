-- One row per passage of a cluster that lost a member; all of them are placed anew.
DELETE FROM selection
WHERE
    selection.cluster IN (
        SELECT lost.cluster
        FROM selection AS lost
        WHERE NOT EXISTS (
            SELECT 1
            FROM passages
            WHERE passages.passage_id = lost.passage_id
        )
    );
