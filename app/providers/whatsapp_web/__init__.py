"""WhatsApp Web, self-hosted: every session lives in a session host, a child process this package starts and reads.

`provider.py` is what the core sees. `session_repository.py` knows the folders, `host_process.py` the child,
`connection.py` turns what the child says into events; `host/` is the child itself, `protocol.py` all the two share.
"""
