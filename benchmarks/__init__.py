"""Speed and quality beside the peers: `python -m benchmarks.run` measures and writes docs/benchmarks.md."""
