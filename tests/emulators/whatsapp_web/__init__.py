"""A WhatsApp Web service on this machine, for the real client to talk to.

It speaks all of it: an HTTP proxy that leads nowhere else, TLS, WebSocket, Noise, binary XML and Signal. Phones are
simulated: they scan the text of a QR code, type a linking code, write, read and answer. Tests hold it by
`process.EmulatorProcess`, which runs ``python -m tests.emulators.whatsapp_web DIRECTORY`` and whose ``control`` has a
method for everything; ``faults.FAULTS`` names what can go wrong. The application's session hosts are made to trust it
by `session_host`, which ``CONECTA_SESSION_HOST`` can name; the engine's own Python client by `real_client.RealClient`.

What it knows lives as long as its process. Groups, media and the history of chats are not emulated. Linux only.
"""
