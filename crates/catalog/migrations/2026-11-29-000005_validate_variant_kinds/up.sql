ALTER TABLE catalog.variants VALIDATE CONSTRAINT variants_kind_known;
