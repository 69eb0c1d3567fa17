"""Resellers as staff see them: the list with today's figures, making one, suspending and resuming."""
