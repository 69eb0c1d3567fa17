"""E-mails: the list with its filters, and the history of one."""
