"""SMKI-shaped certificates: reading, chains, trust, revocation, the gateway's signer, and test PKIs.

Whose certificate it is, and what that party may do, is asked elsewhere.
"""
