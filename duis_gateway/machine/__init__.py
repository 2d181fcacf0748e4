"""What the project has to do with the machine that it runs on: signals, files that people name, octets on a connection.

It knows nothing of the gateway.
"""
