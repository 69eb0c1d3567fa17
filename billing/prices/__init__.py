"""What a reseller's customers pay for credits, and what it earns on them."""
