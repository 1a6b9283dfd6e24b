"""A machine's config against its driver's settings model."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from shared.kernel.errors import Invalid


def validated(model: type[BaseModel], config: Mapping[str, Any]) -> Mapping[str, Any]:
    """`config` if the model accepts it, as plain JSON values, without what is only a default.

    Raises:
        Invalid: names each member that is wrong.
    """
    try:
        read = model.model_validate(config)
    except ValidationError as error:
        wrong = {"config/" + "/".join(map(str, item["loc"])): item["msg"] for item in error.errors()}
        said = "; ".join(f"{name}: {message}" for name, message in wrong.items())
        raise Invalid(f"the config does not fit this type of machine: {said}", fields=wrong) from error
    return read.model_dump(mode="json", exclude_unset=True)
