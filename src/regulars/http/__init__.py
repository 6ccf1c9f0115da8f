"""The door: who asks, what for, and how an answer or an error looks."""
