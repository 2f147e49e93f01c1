"""Stored verdicts: read and aggregated again (stored), and two judges' verdicts on the same responses compared (two_judges)."""
