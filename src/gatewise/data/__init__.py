"""Data: series of numbers, and texts. Neither knows anything of networks."""
