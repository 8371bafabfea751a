"""The comparison of providers, their credentials, queues and numbers."""
