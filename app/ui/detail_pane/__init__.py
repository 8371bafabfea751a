"""The right-hand side of the window: one mentorado, what is true of them, and what to do next."""
