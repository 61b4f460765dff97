-- Pictures take a processor each while they are made smaller.
INSERT INTO platform.queues VALUES ('media', 2) ON CONFLICT DO NOTHING;
