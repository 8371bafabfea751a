"""Long pieces of an operator's work, step by step: recovery and re-authentication, and what runs them all."""
