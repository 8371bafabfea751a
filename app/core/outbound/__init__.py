"""Everything that is sent: who agreed, how much and how fast, and what became of it."""
