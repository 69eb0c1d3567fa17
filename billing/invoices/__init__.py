"""Invoices: what they say, their numbers, VAT, PDF with data inside, and sending them."""
