"""What an option that a verb does not have is called there."""

from typing import cast

from cyclopts import CycloptsError, Group
from cyclopts.argument import ArgumentCollection
from cyclopts.exceptions import UnknownOptionError
from cyclopts.panel import CycloptsPanel
from rich.panel import Panel

from jumpduck.cli.flags import OUTPUT, PLACES

MEANINGS: tuple[tuple[Group | None, str], ...] = (
    (OUTPUT, "--out --manifest --catalog --output -o --output-dir --outdir --dest --folder --path"),
    (PLACES, "--manifest --catalog --in --input -i --from"),
    (None, "--gene --name --perturbation --genes --symbol --symbols"),
    (None, "--compound --name --perturbation --compounds --drug --smiles --inchikey --jcp2022"),
    (None, "--source --sources --lab --laboratory --site-id --partner"),
    (None, "--plate --plates --barcode"),
    (None, "--plate-type --plate-types --platetype --type --plate_type"),
    (None, "--batch --batches --run"),
    (None, "--well --wells --position"),
    (None, "--channel --channels --stain --stains --dye --marker"),
    (None, "--role --roles --pert-type --control-type"),
    (None, "--modality --modalities --perturbation-type"),
    (None, "--with-controls --controls --control --negcon --negcons --dmso"),
    (None, "--per-well --sites-per-well --fields --fovs --n-sites"),
    (None, "--max-sites --limit --max-files --max -n --number --count --head"),
    (None, "--max-gb --budget --size --max-size --gb"),
    (None, "--where --query --filter --sql --condition"),
    (None, "--seed --random-seed --random-state --rng"),
    (None, "--connections --threads --workers --jobs -j --parallel --concurrency"),
    (None, "--workers --threads --cores --cpus --processes"),
    (None, "--max-mbps --bandwidth --rate --limit-rate"),
    (None, "--force --overwrite -f --redo --again"),
    (None, "--gallery --bucket --root --s3 --url"),
    (None, "--endpoint --endpoint-url --server --host"),
    (None, "--recipe --format --codec --encoding"),
    (None, "--illum --illumination"),
    (None, "--keep-known-bad --keep-bad --all"),
    (None, "--dry-run --dryrun --simulate --plan"),
    (None, "--quiet -q --silent"),
)  # fmt: skip
"""Options that mean the same in one verb or another program, and under which heading of the help:
the first that a verb has is meant."""


def explained(error: CycloptsError) -> Panel:
    """Get what cyclopts says of a wrong command line, with the option that an unknown one means."""
    if isinstance(error, UnknownOptionError):
        word = (error.token.keyword or error.token.value).partition("=")[0]
        if meant := _meant(word, error.argument_collection):
            return CycloptsPanel(f"Unknown option: {word}. Here it is {meant}.")
    return CycloptsPanel(error)


def _meant(word: str, own: ArgumentCollection) -> str | None:
    groups = {
        name: cast("tuple[Group, ...]", argument.parameter.group)
        for argument in own
        for name in argument.names
    }
    for heading, words in MEANINGS:
        for name in words.split() if word in words.split() else ():
            if name in groups and (heading is None or heading in groups[name]):
                return name
    return None
