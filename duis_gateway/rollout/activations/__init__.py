"""What became of the firmware at single hubs: CS06 sent, and each hub's outcome (X01, X02, told as N64 and N71).

What was planned for a hub stands in `plans`.
"""
