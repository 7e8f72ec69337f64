-- The state of one account, as it was first.  PRAGMA user_version counts the files of
-- this directory that were run: one that was released is never edited; what is to
-- change is said by a new one, with the next number and a line in ../schema.c.

CREATE TABLE meta (
	key	TEXT PRIMARY KEY,
	value	BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE folder (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,	-- never reused
	wire		BLOB UNIQUE,		-- raw wire name; NULL: here only
	path		BLOB NOT NULL UNIQUE,	-- directory below the root
	delim		INTEGER NOT NULL,
	attrs		INTEGER NOT NULL,
	objid		BLOB,
	validity	INTEGER NOT NULL,
	uidnext		INTEGER NOT NULL,
	modseq		INTEGER NOT NULL,
	messages	INTEGER NOT NULL,
	mtime_cur	INTEGER NOT NULL,
	mtime_new	INTEGER NOT NULL,
	held		TEXT
) STRICT;

CREATE TABLE keyword (
	folder	INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
	bit	INTEGER NOT NULL,
	name	TEXT NOT NULL,
	PRIMARY KEY (folder, bit)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
	id		INTEGER PRIMARY KEY AUTOINCREMENT,	-- never reused
	folder		INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
	uid		INTEGER,		-- NULL: not on the server
	stage		INTEGER NOT NULL,
	uniq		BLOB,			-- NULL: not on disk
	file		BLOB,
	in_new		INTEGER NOT NULL,
	ino		INTEGER NOT NULL,
	size		INTEGER NOT NULL,
	wire_size	INTEGER NOT NULL,
	eol		INTEGER NOT NULL,
	flags		INTEGER NOT NULL,
	keywords	INTEGER NOT NULL,
	modseq		INTEGER NOT NULL,
	head		BLOB,
	digest		BLOB,
	date		INTEGER NOT NULL,
	objid		BLOB,
	dest		INTEGER,		-- MOVING: the target folder
	seek		INTEGER,
	since		INTEGER,
	subject		BLOB,
	sender		BLOB,
	msgid		BLOB
) STRICT;

CREATE UNIQUE INDEX message_uid ON message (folder, uid) WHERE uid IS NOT NULL;
CREATE INDEX message_uniq ON message (folder, uniq) WHERE uniq IS NOT NULL;
CREATE INDEX message_stage ON message (id) WHERE stage <> 0;
CREATE INDEX message_objid ON message (objid) WHERE objid IS NOT NULL;
CREATE INDEX message_head ON message (head) WHERE head IS NOT NULL;

CREATE TABLE audit (
	seq	INTEGER PRIMARY KEY AUTOINCREMENT,
	at	INTEGER NOT NULL,
	op	TEXT NOT NULL,
	folder	BLOB NOT NULL,
	message	INTEGER,
	uid	INTEGER,
	msgid	BLOB,
	subject	BLOB,
	reason	TEXT NOT NULL
) STRICT;

CREATE INDEX audit_msgid ON audit (msgid) WHERE msgid IS NOT NULL;
