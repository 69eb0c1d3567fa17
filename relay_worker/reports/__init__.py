"""Figures: what was sent, what became of it, what waits."""
