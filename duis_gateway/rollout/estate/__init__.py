"""A party's whole estate by firmware version and state, and the hubs eligible for a release.

It reads, in constant memory, and changes nothing.
"""
