"""The roof: app factory, superadmin console, health, command line."""
