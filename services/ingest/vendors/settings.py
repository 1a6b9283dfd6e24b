"""A machine's config against its driver's settings model."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from shared.kernel.errors import Invalid
from shared.kernel.in_words import by_name


def validated(model: type[BaseModel], config: Mapping[str, Any]) -> Mapping[str, Any]:
    """`config` if the model accepts it, as plain JSON values, without what is only a default.

    Raises:
        Invalid: names each member that is wrong.
    """
    try:
        read = model.model_validate(config)
    except ValidationError as error:
        wrong = {
            f"config/{name}".rstrip("/"): said + _meant(name, model)
            for name, said in by_name(error.errors(), config).items()
        }
        said = "; ".join(f"{name}: {message}" for name, message in wrong.items())
        raise Invalid(f"the config does not fit this type of machine: {said}", fields=wrong) from error
    return read.model_dump(mode="json", exclude_unset=True)


def _meant(name: str, model: type[BaseModel]) -> str:
    near = [] if name in model.model_fields else get_close_matches(name, model.model_fields, 1)
    return f" You may mean {near[0]}." if near else ""
