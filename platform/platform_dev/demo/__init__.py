"""The demo: the whole product on loopback with a sample agency, and one real message on its way."""
