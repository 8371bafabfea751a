"""Snoozes, and desktop notifications."""
