"""Our IP addresses: pools, who sends from which, warm-up, and what the world thinks of them."""
