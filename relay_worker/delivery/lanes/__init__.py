"""Lanes: who gets how many connections, how they are used, how they give way to a server that complains."""
