"""Text, symbol by symbol: models that are judged by it and that write it."""
