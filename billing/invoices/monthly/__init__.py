"""The monthly invoice: what there is to bill of a month, and billing it."""
