"""Pools of addresses, and who sends from which."""
