ALTER TABLE catalog.imports VALIDATE CONSTRAINT imports_kind_known;
ALTER TABLE catalog.exports VALIDATE CONSTRAINT exports_kind_known;
