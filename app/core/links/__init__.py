"""Every link that should run: opened, watched, brought back, and understood when many fall together."""
