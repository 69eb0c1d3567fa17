"""Wallets: money that was paid in and not spent yet."""
