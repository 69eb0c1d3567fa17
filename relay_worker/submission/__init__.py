"""Submission: how a customer's app hands mail to the relay over SMTP."""
