"""SMTP accounts: the logins to the relay."""
