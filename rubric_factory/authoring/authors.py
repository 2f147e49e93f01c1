"""All authors: from `[author]` in the settings to something that writes tasks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rubric_factory.authoring.behaviour import BehaviourAuthor
from rubric_factory.authoring.extractive import ExtractiveAuthor
from rubric_factory.authoring.language_model import LanguageModelAuthor, identity_of
from rubric_factory.authoring.protocol import Author
from rubric_factory.authoring.worklist import Wish
from rubric_factory.ledger import Ledger
from rubric_factory.llm.account import Account
from rubric_factory.llm.backends import open_model
from rubric_factory.llm.protocol import Backend
from rubric_factory.records import content_id
from rubric_factory.settings import Settings
from rubric_factory.settings.author import Behaviour, Extractive, writers_of
from rubric_factory.workspace import Workspace

# Authors that need no model: (their settings, system message). Every other type of AuthorSettings is a backend of llm/backends.py.
EMBEDDED: dict[str, Callable[[Any, str], Author]] = {"extractive": ExtractiveAuthor, "behaviour": BehaviourAuthor}


@contextmanager
def open_author(
    settings: Settings,
    workspace: Workspace,
    account: Account | None = None,
    backends: Sequence[Backend] = (),
    worklist: Mapping[str, tuple[Wish, ...]] | None = None,
    visible: Mapping[str, str] | None = None,
) -> Iterator[Author]:
    """The author that the settings name; a language model stands behind the workspace's ledger, which is closed at the end.

    account: what calls are paid from; backends: who answer instead of the configured author and its co-authors (batch files), under the
    same identity; all of them or none.
    worklist: by passage_id, what a policy failed at; an embedded author cannot be asked for more, and takes no notice.
    visible: by document_key, as LanguageModelAuthor.
    Errors: MissingExtraError, ConfigurationError, WorkspaceError (ledger).
    """
    section, system_message = settings.author, settings.publish.system_message
    if isinstance(section, Extractive | Behaviour):
        yield EMBEDDED[section.type](section, system_message)
        return
    with Ledger(workspace.ledger) as ledger:
        writers = writers_of(section)
        model, *co_models = (
            open_model(one, ledger, stage="author", account=account, backend=instead)  # type: ignore[arg-type]
            for one, instead in zip(writers, backends or (None,) * len(writers), strict=True)
        )
        yield LanguageModelAuthor(
            model,
            section,
            system_message,
            settings.seed,
            gates=settings.gates,
            profile=settings.publish.profile,
            worklist=worklist,
            visible=visible,
            co_models=co_models,
        )


def author_identity(settings: Settings) -> str:
    """Identity of the author that the settings name, no model opened: what its rows carry in `author`."""
    section = settings.author
    return EMBEDDED[section.type](section, "").identity if isinstance(section, Extractive | Behaviour) else identity_of(section)


def asked_as(settings: Settings) -> str:
    """Identity plus a digest of everything else that shapes a task: `authored.author`. Another value: passages are asked again.

    A passage that is asked again with the same request costs nothing: its answer lies in the ledger.
    """
    section = settings.author
    # A section that names no co-author is what it was before there were any.
    unused = {"merge"} if getattr(section, "merge", None) is None else set()
    shaping = [section.model_dump(mode="json", exclude=unused), settings.publish.system_message, settings.seed]
    if not isinstance(section, Extractive | Behaviour):  # the gates decide what goes back for repair
        shaping += [settings.gates.model_dump(mode="json", exclude={"judge"}), settings.publish.profile]
    return f"{author_identity(settings)} settings={content_id('author', *shaping)[:12]}"
