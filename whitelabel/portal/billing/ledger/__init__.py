"""The ledger: every credit that came or went, with a filter, and as CSV."""
