-- No row: forgets that a passage was asked, where the asking was another one than $asked and what `incoming`
-- (passage_id, particulars) adds for it, or the passage is gone, not selected, or has another key than its tasks.
DELETE FROM authored
WHERE
    authored.author <> $asked || coalesce(
        (
            SELECT any_value(incoming.particulars)
            FROM incoming
            WHERE incoming.passage_id = authored.passage_id
        ),
        ''
    )
    OR NOT EXISTS (
        SELECT 1
        FROM passages
        INNER JOIN selection ON passages.passage_id = selection.passage_id AND selection.selected
        WHERE passages.passage_id = authored.passage_id
    )
    OR EXISTS (
        SELECT 1
        FROM passages
        INNER JOIN tasks ON passages.passage_id = tasks.passage_id
        WHERE
            passages.passage_id = authored.passage_id
            AND NOT starts_with(tasks.task_key, passages.document_key || '#' || passages.anchor || '/')
    );
