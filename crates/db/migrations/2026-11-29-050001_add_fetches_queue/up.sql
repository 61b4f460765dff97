-- Other servers may be slow: what waits for them keeps nobody else waiting.
INSERT INTO platform.queues VALUES ('fetches', 2) ON CONFLICT DO NOTHING;
