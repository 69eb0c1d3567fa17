"""Addresses that are rented by the month: handed over to whoever ordered them, and taken back."""
