"""The plan: what is included and used, and changing to another."""
