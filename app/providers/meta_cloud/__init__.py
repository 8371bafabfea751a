"""Meta's WhatsApp Cloud API: numbers that Meta itself carries, asked over HTTPS and told of by webhooks."""
