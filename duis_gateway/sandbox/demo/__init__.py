"""The demonstration: real parties in processes of their own, and the story they play."""
