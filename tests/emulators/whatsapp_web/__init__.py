"""A WhatsApp Web service on this machine, for the real client to talk to.

It speaks all of it: an HTTP proxy that leads nowhere else, TLS, WebSocket, Noise, binary XML and Signal. Phones are
simulated: they scan the text of a QR code, type a linking code, write, read and answer. Tests hold it by
`process.EmulatorProcess`, which runs ``python -m tests.emulators.whatsapp_web DIRECTORY`` and whose ``control`` has a
method for everything; ``faults.FAULTS`` names what can go wrong. The application's session hosts are made to trust it
by `session_host`, which ``CONECTA_SESSION_HOST`` can name; the engine's own Python client by `real_client.RealClient`.

Clients are answered in the version of the dictionaries which they announce: 3 (whatsmeow, Baileys 7) or 2 (Baileys 6).
A newly linked device gets from its phone what it waits for before it takes part: a key of the shared settings, and word
of a history without conversations.

What it knows lives as long as its process. Groups, media, shared settings and older chats are not emulated. Linux only.
"""
