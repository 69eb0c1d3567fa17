"""What it costs: the billing pages of the portal, one folder for each."""
