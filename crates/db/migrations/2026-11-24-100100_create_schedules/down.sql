DROP TABLE platform.ticks;
DROP TABLE platform.schedules;
