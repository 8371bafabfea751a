"""What is measured as a whole process. Each is run by `tests.benchmarks.spawned`."""
