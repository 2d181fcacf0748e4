"""Everything that is sent: stored, signed, claimed, posted or mailed, and retried until it is accepted or dead.

`rollout` decides what to say to whom.
"""
