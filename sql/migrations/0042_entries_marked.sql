-- One row per entry of before: the marker that a folder gives it today, so that it is not read again for want of one.
UPDATE entries SET marker = size_bytes || '.' || modified_ns || '.' || changed_ns;
