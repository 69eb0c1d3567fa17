"""The mail: submission, the queue, delivery, suppressions, statistics."""
