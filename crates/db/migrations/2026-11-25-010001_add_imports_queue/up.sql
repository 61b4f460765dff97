-- Imports may take long, so that nothing else is to wait behind them. They take turns anyway; the second one may check its file meanwhile.
INSERT INTO platform.queues VALUES ('imports', 2) ON CONFLICT DO NOTHING;
