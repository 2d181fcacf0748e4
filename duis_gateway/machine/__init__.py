"""What the project has to do with the machine that it runs on: signals, and the files that people name.

It knows nothing of the gateway.
"""
