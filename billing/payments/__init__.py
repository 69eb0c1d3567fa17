"""Payments from outside: prices, Checkout, cards, automatic top-ups, and the payment service's events."""
