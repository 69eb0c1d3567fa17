"""Delivery: drain the queue, build and sign each message, send it, record what the remote said."""
