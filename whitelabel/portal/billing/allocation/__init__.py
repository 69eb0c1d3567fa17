"""Handing credits over to customers, and taking them back."""
