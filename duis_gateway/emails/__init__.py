"""Emails: what they say beside what a decision says, and how they look (RFC 5322, multipart text and HTML)."""
