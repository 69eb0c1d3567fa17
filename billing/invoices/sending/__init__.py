"""Invoices by e-mail: asked for with the invoice or by a click, sent by a job through our own relay."""
