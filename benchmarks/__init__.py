"""Measurements of the product; nothing here is a test."""
