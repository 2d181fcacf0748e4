"""The HTTP server and the public doors: plain XML, SOAP, CSP, ESI and party.

A door turns a request into a message for the flow, and what comes of it into an answer; it knows no rule.
"""
