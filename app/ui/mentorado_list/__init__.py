"""The list of mentorados: its facts, how they are found, and how a row is painted."""
