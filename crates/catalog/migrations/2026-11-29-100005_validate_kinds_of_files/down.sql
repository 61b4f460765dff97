SELECT 1; -- the constraint goes with the migration before
