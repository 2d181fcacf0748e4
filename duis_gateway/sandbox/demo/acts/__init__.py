"""The four acts of the demonstration: notification, piloting, safe launch, closure.

What is on stage stands in the folder above.
"""
