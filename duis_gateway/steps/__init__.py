"""The steps of a message's way; duis_gateway.flow puts them in order."""
