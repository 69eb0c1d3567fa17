"""Logging in, out, and changing a password: one set of pages for both kinds of people."""
