"""What hosted providers need of a person: credentials, queues, registration, and an address to call."""
