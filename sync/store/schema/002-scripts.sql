-- What scripts keep, and what they planned and is not done yet.

CREATE TABLE script_kv (
	plugin	TEXT NOT NULL,
	store	TEXT NOT NULL,
	key	BLOB NOT NULL,
	value	BLOB NOT NULL,
	expires	INTEGER NOT NULL,	-- wall clock seconds; 0: never
	PRIMARY KEY (plugin, store, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX script_kv_expires ON script_kv (expires) WHERE expires <> 0;

-- Bytes of each plugin's values and keys: counted, not summed up each time.
CREATE TABLE script_size (
	plugin	TEXT PRIMARY KEY,
	bytes	INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER script_kv_in AFTER INSERT ON script_kv BEGIN
	INSERT INTO script_size
	    VALUES (new.plugin, length(new.key) + length(new.value))
	    ON CONFLICT (plugin) DO UPDATE SET bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER script_kv_change AFTER UPDATE ON script_kv BEGIN
	UPDATE script_size
	    SET bytes = bytes + length(new.value) - length(old.value)
	    WHERE plugin = new.plugin;
END;

CREATE TRIGGER script_kv_out AFTER DELETE ON script_kv BEGIN
	UPDATE script_size
	    SET bytes = bytes - length(old.key) - length(old.value)
	    WHERE plugin = old.plugin;
END;

-- Events that no script has answered yet, oldest first.
CREATE TABLE script_event (
	seq	INTEGER PRIMARY KEY AUTOINCREMENT,
	kind	INTEGER NOT NULL,
	message	INTEGER NOT NULL,	-- 0: about a folder
	origin	TEXT NOT NULL,
	depth	INTEGER NOT NULL,
	mailbox	BLOB NOT NULL,		-- where it is, or was
	detail	BLOB NOT NULL,		-- folder: what happened, and the old name
	sys_in	INTEGER NOT NULL,	-- flags that came and went
	sys_out	INTEGER NOT NULL,
	kw_in	TEXT NOT NULL,		-- keywords, blanks between
	kw_out	TEXT NOT NULL
) STRICT;

-- What is to be done to messages that are here, as planned.
CREATE TABLE script_step (
	seq	INTEGER PRIMARY KEY AUTOINCREMENT,
	message	INTEGER NOT NULL,
	op	INTEGER NOT NULL,
	sys	INTEGER NOT NULL,
	arg	BLOB NOT NULL,
	plugin	TEXT NOT NULL,
	place	TEXT NOT NULL,		-- "spam.lua:9"
	depth	INTEGER NOT NULL
) STRICT;

CREATE TABLE script_effect (
	id	INTEGER PRIMARY KEY AUTOINCREMENT,
	plugin	TEXT NOT NULL,
	place	TEXT NOT NULL,
	verb	TEXT NOT NULL,
	op	INTEGER NOT NULL,
	message	INTEGER NOT NULL,
	argv	BLOB NOT NULL,		-- each with a NUL behind it
	input	BLOB,			-- NULL: the message's own bytes, or none
	whole	INTEGER NOT NULL,
	once	INTEGER NOT NULL,
	timeout	INTEGER NOT NULL,
	state	INTEGER NOT NULL,
	at	INTEGER NOT NULL,	-- wall clock us: planned, tried, failed
	tries	INTEGER NOT NULL,
	why	TEXT NOT NULL
) STRICT;

CREATE INDEX script_effect_state ON script_effect (state, id);

-- Messages that were delivered though a script failed: it gets them again.
CREATE TABLE script_owed (
	plugin	TEXT NOT NULL,
	message	INTEGER NOT NULL,
	at	INTEGER NOT NULL,
	tries	INTEGER NOT NULL,
	why	TEXT NOT NULL,
	PRIMARY KEY (plugin, message)
) STRICT, WITHOUT ROWID;

-- Changes that scripts made and that the sync has not seen yet: it will say who.
CREATE TABLE script_cause (
	message	INTEGER NOT NULL,
	kind	INTEGER NOT NULL,
	plugin	TEXT NOT NULL,
	depth	INTEGER NOT NULL,
	at	INTEGER NOT NULL,
	PRIMARY KEY (message, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE script_timer (
	plugin	TEXT NOT NULL,
	spec	TEXT NOT NULL,
	last	INTEGER NOT NULL,	-- wall clock seconds
	PRIMARY KEY (plugin, spec)
) STRICT, WITHOUT ROWID;

-- Folders whose first sync is over: what comes now is news.
CREATE TABLE script_mark (
	folder	INTEGER PRIMARY KEY REFERENCES folder (id) ON DELETE CASCADE
) STRICT;
