"""Great Expectations suites, one file per table, and check.py, the only module with a GX context."""
