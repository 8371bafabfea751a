"""The checks behind `conecta doctor` and the page Diagnostics, and what they put right."""
