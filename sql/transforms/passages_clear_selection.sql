-- One row per passage of a selection that was made otherwise; all go.
DELETE FROM selection;
