"""Mail held at the end of quota: looking at it, letting it go, ending it."""
