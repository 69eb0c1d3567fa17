"""Sending domains: the DNS records to publish, and looking whether they are there."""
