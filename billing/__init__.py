"""What it costs: credit lots, the ledger, quotas and caps."""
