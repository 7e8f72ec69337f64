-- How many of a folder's rows have a uid.  Kept, because it is asked in each round, and
-- to count the rows of a large folder takes longer than the rest of it.

ALTER TABLE folder ADD COLUMN uids INTEGER NOT NULL DEFAULT 0;

UPDATE folder SET uids = (SELECT count(*) FROM message
	WHERE message.folder = folder.id AND message.uid IS NOT NULL);

CREATE TRIGGER message_added AFTER INSERT ON message WHEN new.uid IS NOT NULL
BEGIN
	UPDATE folder SET uids = uids + 1 WHERE id = new.folder;
END;

CREATE TRIGGER message_removed AFTER DELETE ON message WHEN old.uid IS NOT NULL
BEGIN
	UPDATE folder SET uids = uids - 1 WHERE id = old.folder;
END;

CREATE TRIGGER message_changed AFTER UPDATE OF folder, uid ON message
WHEN old.folder <> new.folder OR (old.uid IS NULL) <> (new.uid IS NULL)
BEGIN
	UPDATE folder SET uids = uids - 1 WHERE id = old.folder AND old.uid IS NOT NULL;
	UPDATE folder SET uids = uids + 1 WHERE id = new.folder AND new.uid IS NOT NULL;
END;
