"""The webhook server process: `request_handler` authenticates, `spool` stores, `dispatcher` delivers."""
