"""Write the Parquet files of a version: sharded, with the features that `datasets` reads, byte for byte the same for the same rows."""

import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.dataset_files import Row
from rubric_factory.errors import MissingExtraError
from rubric_factory.tables import PUBLISHED

SHARD_ROWS = 50_000
_BATCH_ROWS = 2_000


def with_features(schema: pa.Schema) -> pa.Schema:
    """The schema with explicit `datasets.Features` in its metadata. Errors: MissingExtraError."""
    try:
        from datasets import Features
    except ImportError:
        raise MissingExtraError.of("datasets", "pipeline") from None
    features = Features.from_arrow_schema(schema).to_dict()
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}}, sort_keys=True)})


def _batched(rows: Iterable[Row], size: int) -> Iterable[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def write_split(folder: Path, config: str, split: str, rows: Iterable[Row], *, shard_rows: int = SHARD_ROWS) -> int:
    """Write folder/<config>/<split>-<i>-of-<n>.parquet; an empty split is one file without rows. Number of rows."""
    schema = with_features(PUBLISHED[config])
    target = folder / config
    target.mkdir(parents=True, exist_ok=True)
    shards: list[Path] = []
    writer: pq.ParquetWriter | None = None
    total = in_shard = 0
    try:
        for batch in _batched(rows, min(_BATCH_ROWS, shard_rows)):
            if writer is None or in_shard >= shard_rows:
                if writer is not None:
                    writer.close()
                shards.append(target / f".{split}-{len(shards):05d}")
                writer, in_shard = pq.ParquetWriter(shards[-1], schema, compression="zstd"), 0
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            total, in_shard = total + len(batch), in_shard + len(batch)
        if writer is None:
            shards.append(target / f".{split}-00000")
            writer = pq.ParquetWriter(shards[-1], schema, compression="zstd")
    finally:
        if writer is not None:
            writer.close()
    for index, shard in enumerate(shards):
        shard.rename(target / f"{split}-{index:05d}-of-{len(shards):05d}.parquet")
    return total
