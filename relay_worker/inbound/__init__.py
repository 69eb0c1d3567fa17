"""Mail that comes back to us: received, kept, read and applied; never answered with mail."""
