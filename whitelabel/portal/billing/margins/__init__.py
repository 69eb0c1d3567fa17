"""What a reseller earns, by customer and month."""
