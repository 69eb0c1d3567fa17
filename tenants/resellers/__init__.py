"""Resellers: making one with its schema, finding, suspending and removing it."""
