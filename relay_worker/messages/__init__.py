"""Messages as their account sees them: the list of e-mails, and the history of one."""
