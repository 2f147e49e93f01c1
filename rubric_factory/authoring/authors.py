"""The one dict of authors: from `[author]` in the settings to something that writes tasks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rubric_factory.authoring import language_model
from rubric_factory.authoring.extractive import author as extractive
from rubric_factory.authoring.protocol import Author
from rubric_factory.ledger import Ledger
from rubric_factory.llm.backends import open_model
from rubric_factory.records import content_id
from rubric_factory.settings import Settings
from rubric_factory.settings.author import Extractive
from rubric_factory.workspace import Workspace


@contextmanager
def _extractive(settings: Settings, workspace: Workspace) -> Iterator[Author]:
    del workspace
    if isinstance(settings.author, Extractive):
        yield extractive.ExtractiveAuthor(settings.author, settings.publish.system_message)


@contextmanager
def _language_model(settings: Settings, workspace: Workspace) -> Iterator[Author]:
    if not isinstance(settings.author, Extractive):
        with Ledger(workspace.ledger) as ledger:
            model = open_model(settings.author, ledger)
            yield language_model.LanguageModelAuthor(model, settings.author, settings.publish.system_message, settings.seed)


AUTHORS: dict[str, Callable[[Settings, Workspace], AbstractContextManager[Author]]] = {
    "extractive": _extractive,
    "openai_compatible": _language_model,
    "vllm": _language_model,
    "batch_files": _language_model,
    "scripted": _language_model,
}


def open_author(settings: Settings, workspace: Workspace) -> AbstractContextManager[Author]:
    """The author that the settings name; a language model stands behind the workspace's ledger. Use it in a `with`.

    Errors: MissingExtraError, ConfigurationError, WorkspaceError (ledger).
    """
    return AUTHORS[settings.author.type](settings, workspace)


def author_identity(settings: Settings) -> str:
    """Identity of the author that the settings name, without opening it: what its rows carry in `author`."""
    return extractive.IDENTITY if isinstance(settings.author, Extractive) else language_model.identity_of(settings.author)


def asked_as(settings: Settings) -> str:
    """Identity plus a digest of everything else that shapes a task: `authored.author`. Another value: passages are asked again.

    A passage that is asked again with the same request costs nothing: its answer lies in the ledger.
    """
    shaping = (settings.author.model_dump(mode="json"), settings.publish.system_message, settings.seed)
    return f"{author_identity(settings)} settings={content_id('author', *shaping)[:12]}"
