"""Communications Hubs as the inventory knows them: read (8.2), kept up to date by DCC, loaded and exported as CSV.

What happens to a hub in a roll-out stands in the rooms of that.
"""
