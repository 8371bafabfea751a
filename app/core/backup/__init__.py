"""One archive per mentorado: written, read back, believed only when checked, and merged again."""
