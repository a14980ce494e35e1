"""Images that lie inside of other files: zip, HDF5, Zarr, and the pages of a TIFF."""
