"""The floor of the house: settings, database, errors, clock, logging, queues, security, mail vocabulary."""
