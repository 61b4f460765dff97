DROP TABLE online.things;
