"""Where tokens and keys are kept: the system's keyring, or what a person chose in its place."""
