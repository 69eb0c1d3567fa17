"""Logging in: one row for each login, so that it can be ended from our side."""
