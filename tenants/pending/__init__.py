"""Who has something to do for the jobs, and visiting resellers one after the other."""
