"""Z-API: a hosted gateway that holds a linked WhatsApp session for us, and is asked over HTTP."""
