"""The path of a message: the page with the order of the steps, and what a message is between them.

What differs between the doors comes in as data; a subject's rule comes in through the handler that it registers.
"""
