"""The queue: the door into Postgres (functions), the bell and the sweep."""
