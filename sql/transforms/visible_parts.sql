-- One row per selected passage that is withheld, with the visible part of its document.
SELECT
    passages.passage_id,
    passages.document_key,
    withheld_sections.visible
FROM passages
INNER JOIN selection ON passages.passage_id = selection.passage_id AND selection.selected
INNER JOIN withheld_sections ON passages.document_key = withheld_sections.document_key AND withheld_sections.reason = ''
ORDER BY passages.passage_id;
