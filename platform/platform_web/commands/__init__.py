"""The commands, a module for each noun. Each parses, calls one service and shows what came of it."""
