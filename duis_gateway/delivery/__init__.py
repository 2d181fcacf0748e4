"""The outbox: claiming, sending, retrying."""
