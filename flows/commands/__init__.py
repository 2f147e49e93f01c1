"""One small file a command, or a few that belong together; imported when run."""
