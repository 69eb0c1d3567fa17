"""Caps on how much and how fast accounts send, and on what all customers of a reseller send together."""
