"""The HTTP doors: plain XML, SOAP, CSP, ESI, party and operations."""
