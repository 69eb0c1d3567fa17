"""Monthly plans: what can be had, who has which, and its periods."""
