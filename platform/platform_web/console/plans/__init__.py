"""The platform's plans for resellers."""
