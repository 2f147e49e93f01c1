-- One row per passage, now with its similarity to the passage that represents its cluster.
ALTER TABLE selection ADD COLUMN similarity DOUBLE;
