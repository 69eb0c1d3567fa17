"""Our IP addresses as staff see them: pools, warm-up, reputation; adding, pausing and retiring."""
