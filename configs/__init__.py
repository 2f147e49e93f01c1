"""Configurations that ship with the wheel; read through importlib.resources."""
