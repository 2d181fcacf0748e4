"""The CSP Management Gateway interface: its messages, and the mock CSP."""
