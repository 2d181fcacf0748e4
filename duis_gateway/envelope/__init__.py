"""Safe XML, the signature profile and schema validation.

It takes bytes and knows no business; everything that comes in goes through here first.
"""
