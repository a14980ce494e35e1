// Downloads the shards of a folder that `jumpduck split` made, all into one folder:
//
//     nextflow run main.nf
//     nextflow run main.nf -process.executor slurm --out /data/images
//
// A job that was killed is tried again, and fetches what is not there yet. Exit code 3 says that some
// files could not be had; it does not end the run, and `jumpduck status` counts them afterwards.

params.shards = 'shards'
params.out = 'images'

process download {
    tag "${file}"
    cpus 4
    memory '4 GB'
    maxForks 40
    maxRetries 5
    errorStrategy { task.exitStatus in [137, 143] ? 'retry' : 'finish' }

    input:
    val file

    // in the folder of the launch, because jumpduck.toml and relative paths are read there
    script:
    """
    cd '${launchDir}'
    jumpduck download --manifest '${params.shards}/${file}' --out '${params.out}' --workers ${task.cpus} || [ \$? = 3 ]
    """
}

workflow {
    channel.fromPath("${params.shards}/index.tsv").splitCsv(header: true, sep: '\t').map { row -> row.file } | download
}
