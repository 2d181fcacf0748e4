"""A supplier's own pages, behind its token on the public listener: they read, and show nothing of anyone else.

They are the console's in style and share its parts; what they may know of the rest is what `operations.console` may.
"""
