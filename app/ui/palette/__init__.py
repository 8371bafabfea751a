"""Everything by typing a few letters of it."""
