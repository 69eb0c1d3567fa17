"""The superadmin console, on the platform's own host."""
