-- One row per shared text.
SELECT digest FROM texts;
