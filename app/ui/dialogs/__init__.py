"""Sheets over the window: they ask one thing, and only one of them is open at a time."""
