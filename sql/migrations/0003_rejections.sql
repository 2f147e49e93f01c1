-- One row per record and stage that refused it.
CREATE TABLE rejections (
    "record_id" VARCHAR NOT NULL,
    "stage" VARCHAR NOT NULL,
    "reason" VARCHAR,
    "detail" VARCHAR,
    PRIMARY KEY (record_id, stage)
);
