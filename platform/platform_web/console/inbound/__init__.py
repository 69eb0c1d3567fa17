"""Mail that came back and was left to people."""
