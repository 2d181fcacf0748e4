"""A whole world to try the gateway in: the mocks' common parts and the demonstration.

The gateway itself imports nothing of it.
"""
