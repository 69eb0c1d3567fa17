"""The vocabulary of mail that every folder shares: addresses, replies, recipient states."""
