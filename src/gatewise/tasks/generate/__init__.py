"""Learning to write: text, symbol by symbol."""
