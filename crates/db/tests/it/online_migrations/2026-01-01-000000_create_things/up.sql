CREATE TABLE online.things (kind text NOT NULL);
