"""Conecta keeps a mentoring business's mentorados connected to WhatsApp."""
