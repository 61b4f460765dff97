ALTER TABLE accounts.users VALIDATE CONSTRAINT users_permissions_of_staff;
