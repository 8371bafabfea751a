"""Child processes of the app, which session hosts and the receiver of webhooks have in common."""
