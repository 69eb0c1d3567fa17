"""People who log in: a reseller's users and the platform's staff, their passwords and their sessions."""
