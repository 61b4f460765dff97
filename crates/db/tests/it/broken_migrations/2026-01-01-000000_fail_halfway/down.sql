DROP TABLE broken.first_half;
