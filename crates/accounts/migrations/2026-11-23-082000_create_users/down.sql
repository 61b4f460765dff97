DROP TABLE accounts.sessions;
DROP TABLE accounts.users;
