"""Files of an output folder that recipes have taken into the tables of their plates."""

import json
from collections.abc import Mapping

from jumpduck.errors import QueryError
from jumpduck.recipes.base import Gathering
from jumpduck.recipes.registry import rebuild
from jumpduck.rows import PlateKey
from jumpduck.transfer.output_folder import OutputFolder


class TakenFiles:
    """What the recipes of a folder's runs have taken in; nothing of those that keep their files."""

    def __init__(self, folder: OutputFolder) -> None:
        self._folder = folder
        self._gatherings: list[Gathering] = []
        notes = [run.notes for run in folder.asked.runs()]
        for made_by, parameters in {(str(one["made_by"]), str(one["parameters"])) for one in notes}:
            try:
                recipe = rebuild(made_by, json.loads(parameters))
            except QueryError:  # it is not here, or has changed
                continue
            if recipe.gathering is not None and recipe.gathering not in self._gatherings:
                self._gatherings.append(recipe.gathering)

    def sizes(self, key: PlateKey) -> Mapping[str, int]:
        """Get the size of each file of a plate that is taken in, by path."""
        found: dict[str, int] = {}
        for gathering in self._gatherings:
            found |= gathering.sizes(self._folder.path, key)
        return found
