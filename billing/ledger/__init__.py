"""Prepaid credits: their lots, the ledger of every change, and each month's use."""
