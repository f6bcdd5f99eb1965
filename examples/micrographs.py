"""From micrographs and their conditions to new ones: a conditional network on phantom images.

`python examples/micrographs.py OUT [EDGE [EPOCHS]]` writes phantom micrographs of EDGE pixels,
gathers them, trains the narrow network for some minutes, and compares what it makes with them.
"""

import sys
from pathlib import Path

import poroscale as ps
from poroscale.phantoms.micrographs import PhantomSeries, write_phantom_series
from poroscale.pipelines.micrographs.train import SemTrainJob

CONFIG = Path(__file__).parents[1] / "configs" / "train_sem.yaml"


def main(out: Path, edge: int = 512, epochs: int | None = None) -> ps.MicrographComparison:
    edge, epochs = max(edge, 96), epochs or (30 if edge >= 256 else 1)
    series = PhantomSeries(height=edge, width=edge)
    write_phantom_series(series, out / "pictures")
    print(ps.gather_sem(out / "pictures" / "conditions.csv", out / "real", chip=64))
    job = SemTrainJob.load(CONFIG)
    paths = {"data": str(out / "real"), "model": str(out / "model")}
    job = job.but(paths=job.paths.model_copy(update=paths), epochs=epochs)
    print(ps.train_sem(job))
    wished = {"temper": series.tempers, "feed_rate": series.feed_rates}
    ps.generate_sem(out / "model", out / "made", condition=wished, count=2, size=(edge, edge))
    found = ps.compare_sem(out / "real", out / "made", out / "comparison", chip=64, chips=100)
    print(found)
    print(out / "comparison" / "micrographs.html")
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:4]))
