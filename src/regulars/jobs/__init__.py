"""Work in the background, which survives crashes and restarts."""
