-- One row per item: the last try failed, what was had before stays.
UPDATE checks SET again = 1
WHERE source = $source AND item = $item;
