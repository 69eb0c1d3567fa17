"""Invoices: those one got, and for resellers those to customers."""
