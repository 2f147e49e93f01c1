"""The trainer: consumes a published version only, and runs as a process of its own."""
