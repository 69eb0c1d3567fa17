"""The steps that turn an accepted message into the one that is sent; one file each."""
