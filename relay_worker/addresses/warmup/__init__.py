"""Warm-up: a new address sends a little more every day, to each provider, as long as it goes well."""
