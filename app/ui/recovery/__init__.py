"""Recovery, re-authentication, backup and restore: asked for, watched step by step, and picked up again."""
