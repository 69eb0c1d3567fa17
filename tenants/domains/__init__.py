"""Sending domains: DKIM keys, the DNS records to publish, looking whether they are there."""
