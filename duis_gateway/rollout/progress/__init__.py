"""How far a release is with its hubs: what that means, and how it is counted."""
