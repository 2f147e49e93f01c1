"""Bytes to text, in worker processes with limits: the parent imports no parser."""
