"""The library: all decisions of the factory live here; see docs/adr/0001 for the floor plan."""
