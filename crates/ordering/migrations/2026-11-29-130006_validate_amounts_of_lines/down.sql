SELECT 1; -- the constraint goes with its table's other migration
