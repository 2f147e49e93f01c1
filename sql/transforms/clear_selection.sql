-- One row per passage of the last selection; all go, the selection is made over all passages.
DELETE FROM selection;
