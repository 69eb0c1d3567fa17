"""Saved cards, and topping up by itself."""
