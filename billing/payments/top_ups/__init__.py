"""Automatic top-ups: a saved card buys more whenever too little is left."""
