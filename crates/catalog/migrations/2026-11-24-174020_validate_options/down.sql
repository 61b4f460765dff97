SELECT 1; -- the constraints go with their columns
