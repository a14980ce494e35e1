"""jumpduck models"""

from jumpduck.cli.flags import Csv, Json, Quiet
from jumpduck.cli.printer import Printer
from jumpduck.embeddings.published_models import published_models


def models(*, csv: Csv = False, json: Json = False, quiet: Quiet = False) -> None:
    """List published models that embed can apply, with their licences and where they are.

    Nothing is fetched. Take the file from its origin, mind its licence, and put it anywhere:
    `jumpduck embed --model FILE` reads it. Where no SHA-256 is given, none is known for sure;
    embed writes that of the file into the table that it makes.

    For example:

    ```
    jumpduck models
    jumpduck models --csv
    ```
    """
    printer = Printer(as_json=json, as_csv=csv, quiet=quiet)
    found = published_models()
    printer.table(found, keys=("name",), least=("sha256", "options", "file"))
    printer.json({"models": found.to_dicts()})
