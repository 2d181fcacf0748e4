"""SMKI-shaped certificates: reading, trust, revocation, and test PKIs."""
