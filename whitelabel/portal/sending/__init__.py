"""Sending: what an account asks of all its mail, and the reseller's own signature."""
