"""WhatsApp Web, self-hosted: every session lives in a session host, a child process this package starts and reads.

`provider.py` is what the core sees. `session_files.py` knows the folders, `host_process.py` the child, `line.py` turns
what the child says into signals; `host/` is the child itself, and `protocol.py` is all the two share.
"""
