"""How many hubs fail under a release, and what is proposed to DCC when it is too many (X11).

Hubs are counted with each message of outcomes; DCC's next decision on the proposal begins the count anew.
"""
