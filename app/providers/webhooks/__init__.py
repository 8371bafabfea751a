"""Receives webhooks, in a process of its own, so that a thousand deliveries a second never hold up the window.

`server_process.py` is what the core sees, `protocol.py` what is said over the pipes, and `host` the process: a small
server, a spool on disk, and what takes deliveries apart after they were answered. None of it runs while webhooks are
off.
"""
