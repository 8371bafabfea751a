"""Z-API over real HTTP: its instances, their phones, its queue and its webhooks, with every fault it could have."""
