"""What stands, for those who look: facts from the store and the rules put together; nothing here changes anything."""
