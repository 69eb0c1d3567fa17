"""Checks of our addresses in DNS: reverse names and block lists."""
