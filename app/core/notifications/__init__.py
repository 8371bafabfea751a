"""Snoozes, and what the desktop is told when."""
