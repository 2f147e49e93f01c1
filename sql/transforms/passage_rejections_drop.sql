-- One row per passage that this stage refused before, and that is gone, or selected now; it goes.
DELETE FROM rejections
WHERE
    rejections.stage = 'passages'
    AND NOT EXISTS (
        SELECT 1
        FROM selection
        WHERE selection.passage_id = rejections.record_id AND NOT selection.selected
    );
