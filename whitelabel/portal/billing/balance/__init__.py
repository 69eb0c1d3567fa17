"""The balance: credits left, their lots, and how much of them will probably lapse."""
