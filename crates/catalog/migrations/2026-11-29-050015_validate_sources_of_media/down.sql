SELECT 1; -- the constraint goes with its columns
