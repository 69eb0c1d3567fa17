"""Accounts of a reseller: its main account and its sub-accounts."""
