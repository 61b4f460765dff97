ALTER TABLE catalog.variants VALIDATE CONSTRAINT variants_choices_object;
ALTER TABLE catalog.variants VALIDATE CONSTRAINT variants_measures_not_negative;
ALTER TABLE catalog.products VALIDATE CONSTRAINT products_options_list;
