"""From the bytes of a published image to its pixels, and from pixels to the bytes of a file."""
