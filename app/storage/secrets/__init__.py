"""Secret storage: the system's keyring, or the backend that a person chose."""
