"""Dedicated IPs by the month: ordered and paid, renewed, given back."""
