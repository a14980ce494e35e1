"""Numbers with the noun of what they count, as sentences have them."""


def counted(number: int, noun: str) -> str:
    """Get a number with its noun: ``1 image``, ``2,000 images``.

    Parameters
    ----------
    noun
        Of one of them; an s makes it that of several.
    """
    return f"{number:,} {noun}{'s'[: number != 1]}"
