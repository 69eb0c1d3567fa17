"""What a process tells those who watch it: is it alive, is it ready, and its figures."""
