DROP TABLE platform.consumers;
