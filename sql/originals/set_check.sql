-- One row per item: which fetch it is now, and when that was confirmed.
INSERT INTO checks ("source", "item", "fetch_id", "at", "again")
VALUES ($source, $item, $fetch_id, $at, $again)
ON CONFLICT ("source", "item") DO UPDATE SET "fetch_id" = $fetch_id, "at" = $at, "again" = $again;
