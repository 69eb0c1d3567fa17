"""The workshop: embedded servers, nameserver, receiving server and demo, for development and tests."""
