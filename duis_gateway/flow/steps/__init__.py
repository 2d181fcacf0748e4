"""The steps of a message's way; each takes what the step before made, and none imports another."""
