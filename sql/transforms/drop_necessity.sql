-- No row: removes what the judge's verdicts said of single criteria, before they are looked at anew.
DELETE FROM necessity;
