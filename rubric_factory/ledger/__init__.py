"""The ledger of paid calls: SQLite, the truth. A call is written down before it is sent, its answer before it is handed on.

One file serves every process of one machine: WAL, synchronous=FULL, and a lease per call in flight, so that nothing is paid twice.
"""

from rubric_factory.ledger.calls import Answer, Asked, Claims, Spent
from rubric_factory.ledger.disk import check_local, file_system
from rubric_factory.ledger.leases import Leases
from rubric_factory.ledger.store import Ledger

__all__ = ["Answer", "Asked", "Claims", "Leases", "Ledger", "Spent", "check_local", "file_system"]
