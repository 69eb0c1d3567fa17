"""The platform's invoices to resellers."""
