"""Delivery reports that senders have asked for (RFC 3461): found, written and put into the queue."""
