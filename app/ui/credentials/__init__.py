"""What hosted providers ask of a person: what they sign in with, what to do with a queue, a registration."""
