"""The wallet, and what was paid."""
