-- The messages that have a line in the manifest.

CREATE TABLE listed (
	message	INTEGER PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE
) STRICT;
