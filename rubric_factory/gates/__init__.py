"""Quality gates: one small file each, one table of all with severities."""
