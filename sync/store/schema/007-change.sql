-- Where files were before they were renamed, moved or removed, for indexers that ask
-- what changed.  Only triggers write here, so that no change can be forgotten.
--
-- A message that is new has no row: its id is larger than any that was there, which
-- costs a first sync nothing.  The newest 100,000 rows are kept.

CREATE TABLE change (
	seq	INTEGER PRIMARY KEY AUTOINCREMENT,	-- without a hole
	message	INTEGER NOT NULL,
	path	BLOB		-- the file below the root, until then; NULL: none
) STRICT;

INSERT INTO meta VALUES ('change.store', CAST(lower(hex(randomblob(8))) AS BLOB));

CREATE TRIGGER change_kept AFTER INSERT ON change BEGIN
	DELETE FROM change WHERE seq <= new.seq - 100000;
END;

-- Ids are given out before rows are written, which may be in another order.
CREATE TRIGGER change_late AFTER INSERT ON message
WHEN new.id < (SELECT seq FROM sqlite_sequence WHERE name = 'message')
BEGIN
	INSERT INTO change (message, path) VALUES (new.id, NULL);
END;

CREATE TRIGGER change_moved AFTER UPDATE OF folder, file, in_new ON message
WHEN old.file IS NOT new.file OR old.in_new <> new.in_new OR old.folder <> new.folder
BEGIN
	INSERT INTO change (message, path) VALUES (old.id, (SELECT
		CAST(path || iif(old.in_new, '/new/', '/cur/') || old.file AS BLOB)
		FROM folder WHERE id = old.folder));
END;

CREATE TRIGGER change_removed AFTER DELETE ON message WHEN old.file IS NOT NULL
BEGIN
	INSERT INTO change (message, path) SELECT old.id,
		CAST(path || iif(old.in_new, '/new/', '/cur/') || old.file AS BLOB)
		FROM folder WHERE id = old.folder;
END;

-- Its messages go with it, when its path is not known any more.
CREATE TRIGGER change_folder_removed BEFORE DELETE ON folder BEGIN
	INSERT INTO change (message, path) SELECT id,
		CAST(old.path || iif(in_new, '/new/', '/cur/') || file AS BLOB)
		FROM message WHERE folder = old.id AND uniq IS NOT NULL;
END;

CREATE TRIGGER change_folder_moved AFTER UPDATE OF path ON folder
WHEN old.path <> new.path
BEGIN
	INSERT INTO change (message, path) SELECT id,
		CAST(old.path || iif(in_new, '/new/', '/cur/') || file AS BLOB)
		FROM message WHERE folder = old.id AND uniq IS NOT NULL;
END;
