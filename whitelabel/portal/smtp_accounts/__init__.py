"""SMTP accounts: the logins with which an account's applications send."""
