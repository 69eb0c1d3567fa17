"""How long mail is kept, and forgetting it."""
