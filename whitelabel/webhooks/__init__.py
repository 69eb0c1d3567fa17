"""What other services post to us over HTTP."""
