"""Meta's Cloud API, played over real HTTP: its numbers, limits, errors, webhooks, and its bad days."""
