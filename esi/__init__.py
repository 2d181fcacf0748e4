"""The Enterprise Systems Interface: its messages, and the mock DCC enterprise system."""
