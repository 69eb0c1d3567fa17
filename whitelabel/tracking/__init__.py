"""The tracking hosts: what recipients of mail open, without a login."""
