"""Who may be written to, for what: the list of a mentorado's contacts, recording, importing and exporting."""
