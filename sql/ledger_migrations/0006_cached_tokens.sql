-- One row per answered call, now with the prompt tokens not computed anew; NULL where the server does not say.
ALTER TABLE answers ADD COLUMN "cached_tokens" INTEGER;
