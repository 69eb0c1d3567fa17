"""What every site stands on, whoever it is for: headers, forms, log-ins, limits, texts, looks, request logs."""
