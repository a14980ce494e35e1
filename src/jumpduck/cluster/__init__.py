"""From shards to jobs of a batch system: Slurm, HTCondor, Dask."""
