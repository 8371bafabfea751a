"""The process that receives webhooks. `entrance` decides, `spool` keeps, `sorting` hands on; `office` holds them."""
