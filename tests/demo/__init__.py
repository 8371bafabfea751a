"""The main job, done by the real window and the real client against a local emulator: ``python -m tests.demo``."""
