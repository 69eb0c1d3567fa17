"""SMTP settings: what to enter into an application so that it sends through here."""
