"""Traffic as staff see it: what providers are sent, and which lanes are held back."""
