-- Where the file of an import is to be fetched from; NULL where somebody sends it.
SET LOCAL lock_timeout = '300ms';
ALTER TABLE catalog.imports ADD COLUMN url text;
