-- What a script said about a message that came by POP3.

ALTER TABLE uidl ADD COLUMN keep INTEGER NOT NULL DEFAULT 0;	-- enum uidl_keep
