"""Buying credits and dedicated IPs."""
