"""What is written for people and their spreadsheets: tables as CSV and JSON, HTML pages, and text that cannot act.

Of the field it knows how an EUI-64 is written.
"""
