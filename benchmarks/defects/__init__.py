"""Defects that authors make, made by code from good tasks: pure functions over the JSON an author writes; they know no gate."""
