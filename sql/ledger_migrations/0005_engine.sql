-- One row per answered call, now with the version of the engine that answered; '' where unknown.
ALTER TABLE answers ADD COLUMN "engine" TEXT NOT NULL DEFAULT '';
