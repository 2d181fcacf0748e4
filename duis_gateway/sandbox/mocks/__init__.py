"""What the two mock partners are made of."""
