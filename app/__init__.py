"""Conecta keeps a mentoring business's mentorados connected to WhatsApp."""

__version__ = "0.2.0"
