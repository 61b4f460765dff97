SELECT 1; -- the constraint is made anew by the migration before
