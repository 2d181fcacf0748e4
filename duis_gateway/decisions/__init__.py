"""What each message brings about: its facts are loaded, its rule applied, its effects named."""
