-- Which directories cur/ and new/ were when they were last read whole: what others in
-- their place lack, nobody deleted.

ALTER TABLE folder ADD COLUMN dirs INTEGER NOT NULL DEFAULT 0;	-- 0: not known
