"""The session host: a child process that owns the WhatsApp library and speaks `protocol` on its pipes."""
