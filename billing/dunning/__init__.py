"""What is unpaid and what will lapse: reminders, grace, suspension, and lifting them."""
