"""What customers pay for credits."""
