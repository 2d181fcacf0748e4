"""What the CSP and ESI interfaces have in common: how a dataclass stands in XML, the envelope, shared bodies.

Their own messages stand in `csp_mgmt_gw` and `esi`.
"""
