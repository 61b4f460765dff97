DROP TABLE platform.outbox;
