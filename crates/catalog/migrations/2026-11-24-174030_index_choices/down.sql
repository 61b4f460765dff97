DROP INDEX CONCURRENTLY catalog.variants_choices_key;
