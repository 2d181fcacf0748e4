"""What is outstanding for each release and party, and how long it has.

It reads what the other rooms record, and changes nothing.
"""
