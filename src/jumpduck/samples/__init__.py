"""What a model is trained on or applied to, as numpy arrays: fields, tiles and cells of sites."""
