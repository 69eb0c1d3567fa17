"""Figures of the mail for Prometheus: acceptance, delivery, the queue. No customer's data is in any of them."""
