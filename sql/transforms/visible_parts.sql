-- One row per document in two parts of which a passage is selected: its visible part.
SELECT
    withheld_sections.document_key,
    withheld_sections.visible
FROM withheld_sections
WHERE
    withheld_sections.reason = ''
    AND EXISTS (
        SELECT 1
        FROM passages
        INNER JOIN selection ON passages.passage_id = selection.passage_id AND selection.selected
        WHERE passages.document_key = withheld_sections.document_key
    )
ORDER BY withheld_sections.document_key;
