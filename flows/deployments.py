"""The worker of `serve`: registers the deployments and runs what is due. `python -P -m flows.deployments CONFIG WORKSPACE`."""

import sys
from pathlib import Path
from typing import Any

from prefect import serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentEventTrigger
from prefect.types.entrypoint import EntrypointType

from flows.audit import audit
from flows.commands.common import Invocation
from flows.deployed import names
from flows.evaluate import evaluate
from flows.events import DATASET_PUBLISHED, resource_of
from flows.rebuild import rebuild
from flows.train import train
from rubric_factory.settings import Settings

FLOWS: dict[str, Any] = {"rebuild": rebuild, "train": train, "evaluate": evaluate, "audit": audit}
# A second one waits: writers and trainers come one after the other.
ONE_AT_A_TIME = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)


def _template(text: str) -> dict[str, str]:
    """A parameter that the server fills from the event."""
    return {"__prefect_kind": "jinja", "template": "{{ event.payload." + text + " }}"}


def on_published(name: str, parameters: dict[str, Any]) -> DeploymentEventTrigger:
    """One run of the deployment for each dataset.published of this dataset."""
    return DeploymentEventTrigger(
        name=f"train what {name} publishes",
        expect={DATASET_PUBLISHED},
        match={"prefect.resource.id": resource_of(name)},
        parameters={**parameters, "name": _template("name"), "version": _template("version")},
    )


def deployments(settings: Settings, config: Path, workspace: Path) -> list[RunnerDeployment]:
    """The deployments that this configuration can serve."""
    parameters = {"config": str(config.resolve()), "workspace": str(workspace.resolve())}
    extra: dict[str, dict[str, Any]] = {
        "rebuild": {"schedule": CronSchedule(cron=settings.serve.cron, timezone=settings.serve.timezone)},
        "train": {"triggers": [on_published(settings.name, parameters)]},
    }
    shared = {"concurrency_limit": ONE_AT_A_TIME, "entrypoint_type": EntrypointType.MODULE_PATH, "parameters": parameters}
    return [
        FLOWS[name].to_deployment(name=settings.name, description=FLOWS[name].__doc__, **shared, **extra.get(name, {}))
        for name in names(settings)
    ]


def main(arguments: list[str]) -> None:
    """Serve until a signal comes."""
    config, workspace = map(Path, arguments)
    settings = Invocation(config=config, workspace=workspace).settings()
    serve(*deployments(settings, config, workspace), pause_on_shutdown=False, print_starting_message=False)


if __name__ == "__main__":
    main(sys.argv[1:])
