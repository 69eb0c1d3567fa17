"""The first page: the day so far."""
