"""Transport security of delivery: what a domain demands (MTA-STS, DANE), and whether a connection meets it."""
