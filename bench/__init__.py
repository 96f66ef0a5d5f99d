"""Side-by-side benchmarks against peers; never run by the tests."""
