"""Suppressions: addresses that an account no longer sends to."""
