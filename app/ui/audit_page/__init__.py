"""The audit: who did what, found and filtered, proved and handed over."""
