DROP INDEX CONCURRENTLY catalog.variants_barcode_idx;
