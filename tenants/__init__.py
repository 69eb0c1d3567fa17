"""Who: resellers and their schemas, accounts, users, SMTP accounts, sending domains, hostnames, brand."""
