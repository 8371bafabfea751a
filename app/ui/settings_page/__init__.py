"""The settings: each says what it does, applies at once, and is written down where it matters."""
