"""Outbound messages: consent, limits, pace, and results."""
