"""What an option that a verb does not have is called there."""

import difflib
from typing import cast

from cyclopts import CycloptsError, Group
from cyclopts.argument import Argument, ArgumentCollection
from cyclopts.exceptions import MissingArgumentError, UnknownOptionError, UnusedCliTokensError
from cyclopts.panel import CycloptsPanel
from rich.panel import Panel

from jumpduck.cli.flags import OUTPUT, PLACES
from jumpduck.cli.settings import CONFIG

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
    (None, "--workers --threads --cores --cpus"),
    (None, "--processes --procs --cores --cpus --workers --jobs -j"),
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

MAIN = {
    "demo": "--out", "catalog": "--source", "plates": "--plate-type", "download": "--out",
    "status": "--out", "verify": "--out",
}  # fmt: skip
"""What a word without an option may be meant as, in verbs that take none."""

_FIND = "Names need no option here: jumpduck find TP53"
_RESUME = "The same command goes on where a run ended."

ANSWERS = {
    ("get", "--preset"): "A preset is for `jumpduck manifest --preset`; here, name its options.",
    ("manifest", "--recipe"): "--recipe is an option of `jumpduck download`.",
    ("get", "--out"): "name a folder: jumpduck get TP53 -o tp53",
    ("find", "--gene"): _FIND, ("find", "--compound"): _FIND, ("find", "--perturbation"): _FIND,
    ("download", "--resume"): _RESUME, ("download", "--continue"): _RESUME,
    ("get", "--resume"): _RESUME, ("get", "--continue"): _RESUME,
}  # fmt: skip
"""What to say of an option that a verb lacks and another word would not explain, or that it cannot
do without."""


def explained(error: CycloptsError) -> Panel:
    """Get what cyclopts says of a wrong command line, with what may have been meant."""
    verb = error.command_chain[0] if error.command_chain else ""
    said: str | None = None
    match error:
        case UnknownOptionError():
            word = (error.token.keyword or error.token.value).partition("=")[0]
            meant = _meant(word, error.argument_collection)
            hint = ANSWERS.get((verb, word)) or (meant and f"Here it is {meant}.")
            said = hint and f"Unknown option: {word}. {hint}"
            if error.token.source != "cli":
                said = _unknown_setting(verb, error)
        case UnusedCliTokensError(unused_tokens=[*words]) if verb == "sql":
            said = f"More than one word: {' '.join(words)}. Put the query in quotes."
        case UnusedCliTokensError(unused_tokens=[*words]) if verb in MAIN:
            text = " ".join(words)
            said = f"{text} stands without an option. Did you mean {MAIN[verb]} {text}?"
        case MissingArgumentError(argument=Argument(name=name)) if (verb, name) in ANSWERS:
            said = f"{name} is missing; {ANSWERS[verb, name]}"
        case _:
            pass
    return CycloptsPanel(said or error)


def _unknown_setting(verb: str, error: UnknownOptionError) -> str:
    """Get what to say of an option that jumpduck.toml or a preset has and the verb has not."""
    name = error.token.keyword or ""
    name = name.strip("[]").replace("][", ".")
    known = [one.removeprefix("--") for own in error.argument_collection for one in own.names]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"`jumpduck {verb} --help` lists its options."
    in_file = error.token.source.endswith(CONFIG.name)
    place = f"[{verb}] of {CONFIG}" if in_file else error.token.source
    return f"{place} has {name!r}, which is not an option of {verb}. {hint}"


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
