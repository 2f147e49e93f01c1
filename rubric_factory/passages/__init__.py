"""Texts to passages: chunks with exact offsets, quality, duplicates, selection."""
