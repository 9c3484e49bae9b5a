"""Examples at the end of the help of each `pipebench data ...`; tests hold them against the parsers."""

EXAMPLES = {
    "synth": """\
examples:
  pipebench data synth D --samples 2000                     about 220 MB in ten classes
  pipebench data synth D --samples 500 --mean-bytes 20000   smaller pictures
""",
    "import": """\
examples:
  pipebench data import PHOTOS                 a folder per class: the index is put beside them
  pipebench data import TARS --payload jpg     of samples that hold several pictures
  pipebench data import s3://bucket/rows --column image --out INDEX
  pipebench data import PHOTOS --skip-bad      without pictures that cannot be decoded
""",
    "shard": """\
examples:
  pipebench data shard PHOTOS D --format wds --shard-size 256MB
  pipebench data shard PHOTOS s3://bucket/photos --format parquet --shuffle
  pipebench data shard PHOTOS D --format wds --split train=0.9,val=0.1 --seed 7
  pipebench data shard PHOTOS D --format wds --resume       after it was cut short
""",
    "verify": """\
examples:
  pipebench data verify D                      checksums, sizes, index
  pipebench data verify D --full               every sample's hash, and every one decoded
  pipebench data verify s3://bucket/photos --json
""",
    "info": """\
examples:
  pipebench data info D
  pipebench data info s3://bucket/photos --json
""",
}
