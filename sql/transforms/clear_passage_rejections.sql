-- One row per passage that this stage refused before; all go, every passage is decided again.
DELETE FROM rejections
WHERE stage = 'passages';
