"""A WhatsApp Web service on this machine, for the real client to talk to."""
