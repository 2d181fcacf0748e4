"""Everything that is sent: laid in, signed, claimed, posted or mailed, and tried again until it is accepted or dead.

What is to be said to whom is decided in `rollout`.
"""
