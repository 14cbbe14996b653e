"""Text by symbol: networks that learn to write, and what they write."""
