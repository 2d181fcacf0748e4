"""The configuration: sections and keys, read from a TOML file and the environment, and what is opened from it.

What the values mean is the affair of whoever uses them.
"""
