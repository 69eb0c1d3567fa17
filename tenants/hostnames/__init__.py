"""Hostnames that lead to a reseller: portal, SMTP, tracking, return path."""
