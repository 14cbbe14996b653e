"""Text, symbol by symbol: train, judge and write."""
