"""The page Diagnostics, and what is told of it at the start."""
