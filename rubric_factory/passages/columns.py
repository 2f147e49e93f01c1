"""From the warehouse to the columns that `decide` works on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rubric_factory.passages.decide import Nodes, Usable
from rubric_factory.passages.prints import Prints
from rubric_factory.warehouse import Warehouse


def _numbers(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    return np.asarray(column.combine_chunks().to_numpy(zero_copy_only=False), dtype=np.int64)


def _codes(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], list[str]]:
    """One number per value, -1 for null, and the values by number."""
    encoded = column.combine_chunks().dictionary_encode()
    return np.asarray(pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64), encoded.dictionary.to_pylist()


def _prints(folder: Path, rows: pa.Table, name: str) -> Prints:
    files, shards = _codes(rows["shard"])
    return Prints([folder / shard / name for shard in shards], files, _numbers(rows["shard_row"]))


def _text(column: pa.ChunkedArray) -> pa.StringArray:
    """One array of large strings: 64-character ids of millions of passages pass the two gigabytes of plain ones."""
    return column.cast(pa.large_string()).combine_chunks()


def documents_of(warehouse: Warehouse, folder: Path) -> Nodes:
    """All cut documents in key order. folder: where the prints lie."""
    rows = warehouse.run("clustered_documents")
    prints = _prints(folder, rows, "documents.prints")
    count = rows.num_rows
    return Nodes(
        names=_text(rows["document_key"]),
        words=np.zeros(count, dtype=np.int64),
        shingles=_numbers(rows["shingles_key"]),
        placed=_codes(rows["cluster"])[0],
        known=prints.signatures(),
        sets=prints,
    )


def usable_of(warehouse: Warehouse, folder: Path) -> Usable:
    """All passages that quality does not refuse, in order. folder: where the prints lie."""
    rows = warehouse.run("usable_passages")
    prints = _prints(folder, rows, "passages.prints")
    nodes = Nodes(
        names=_text(rows["passage_id"]),
        words=_numbers(rows["words"]),
        shingles=_numbers(rows["shingles_key"]),
        placed=_codes(rows["cluster"])[0],
        known=prints.signatures(),
        sets=prints,
    )
    return Usable(
        nodes=nodes,
        documents=_numbers(rows["document"]),
        scores=rows["score"].to_numpy(),
        former=_text(rows["duplicate_of"]),
        similar=pc.fill_null(rows["similarity"], float("nan")).to_numpy(),
    )


def lost_shards(warehouse: Warehouse, folder: Path) -> Sequence[str]:
    """Folders of prints that are referred to and are not there."""
    return [row["shard"] for row in warehouse.rows("passages_shards") if not (folder / row["shard"]).is_dir()]
