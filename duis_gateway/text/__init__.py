"""What people read: tables as CSV and JSON, HTML pages, text that cannot act; and numbers as others write them.

Of the field it knows how an EUI-64 is written.
"""
