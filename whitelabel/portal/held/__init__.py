"""Held mail: what waits for quota, letting it go, discarding it, and the choice to hold at all."""
