"""What the mock CSP and the mock DCC are made of: a partner's own server, client, key and record of messages.

A mock knows of the gateway how messages look and are signed, and nothing else: it speaks over real HTTP, and
never touches the store.
"""
