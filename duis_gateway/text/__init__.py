"""What is written for people and their spreadsheets, whoever asks: tables as CSV and JSON, and text that cannot act.

It knows nothing of the field.
"""
