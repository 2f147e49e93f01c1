"""What every kind of source has: a name and a licence."""

from pydantic import Field

from rubric_factory.settings.base import Section


class NamedSource(Section):
    """A source of documents. Keys of its documents begin with name + '/'."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="stable name, first part of every document_key")
    licence: str = Field(default="unknown", description="licence of documents of which nothing else names one")
