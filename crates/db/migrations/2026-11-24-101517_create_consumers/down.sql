DROP TABLE platform.outbox_start;
DROP TABLE platform.consumers;
