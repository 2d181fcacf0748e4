"""What the two mock partners have in common: a listener, a link to the gateway, a record of what passed.

What each of them says stands in `csp_mgmt_gw` and `esi`.
"""
