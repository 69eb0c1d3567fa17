"""The queue and the workers as staff see them."""
