"""Suppliers, CSPs and DCC as registered with the gateway, with their certificates.

Whether a certificate is believed is the affair of `pki`.
"""
