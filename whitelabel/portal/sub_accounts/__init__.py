"""Sub-accounts: the reseller's customers, as the reseller sees them."""
