"""What each provider can and cannot do, and what it tells of a number."""
