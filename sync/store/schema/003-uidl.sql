-- Messages that came by POP3: what the server called them when it listed them.

CREATE TABLE uidl (
	message	INTEGER PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
	uidl	BLOB,			-- NULL: the server gives none
	size	INTEGER NOT NULL,	-- as it was listed
	since	INTEGER NOT NULL,	-- first seen
	gone	INTEGER			-- no longer listed since; NULL: it is
) STRICT;
