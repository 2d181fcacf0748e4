"""What is written for people and their spreadsheets, whoever asks: tables as CSV and JSON.

It knows nothing of the field.
"""
