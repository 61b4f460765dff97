CREATE TABLE broken.first_half (id bigint);
ALTER TABLE broken.missing ADD COLUMN second_half bigint;
