"""One verb in a process of its own: prints what it projected, and its peak memory [bytes]."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from poroscale.engine import (
    Components,
    Reduction,
    Run,
    Windows,
    fill_blocks,
    label_blocks,
    map_blocks,
    reduce_blocks,
    stage,
    stitch_windows,
)
from poroscale.kernels.grey.levels import smooth_gaussian
from poroscale.volume import Volume, VolumeSpec

RUN = Run(memory="1500MiB", cluster="threads", workers=2)


def ramp(origin, shape):
    return np.broadcast_to(np.arange(shape[2], dtype=np.uint16), shape).copy()


def dark(grey):
    return (grey < 20000).view(np.uint8)


def levels(grey):
    return {"counts": np.bincount(grey.ravel(), minlength=65536)}


def fill(scan, out):
    spec = VolumeSpec(scan.shape, np.uint16, (1.0, 1.0, 1.0), pyramid="mean")
    fill_blocks(ramp, out, spec=spec, recipe={"sampler": "ramp"}, bytes_per_voxel=0, run=RUN)


def smooth(scan, out):
    map_blocks(
        smooth_gaussian,
        scan,
        out,
        dtype=np.uint16,
        halo=4,
        parameters={"sigma": (1.0, 1.0, 1.0)},
        bytes_per_voxel=12,
        run=RUN,
    )


def histogram(scan, out):
    add = Reduction(levels, lambda a, b: {"counts": a["counts"] + b["counts"]}, lambda t: t)
    reduce_blocks(add, scan, bytes_per_voxel=8, run=RUN)


def label(scan, out):
    label_blocks(Components(dark), scan, out, run=RUN)


class Halved:
    """Values of a network that needs as much memory again as its windows."""

    bound, outside, recipe = 16.0, -16.0, {"name": "halved"}
    memory = 4 * 64**3

    def __call__(self, patches):
        return patches / np.float32(8192) - 4

    def finish(self, values):
        return 1 / (1 + np.exp(-values))


def stitch(scan, out):
    stitch_windows(Halved(), scan, out, run=RUN)


def stitch_weighted(scan, out):
    windows = Windows(64, 16, "gaussian", batch=4)
    stitch_windows(Halved(), scan, out, windows=windows, dtype="float16", run=RUN)


def tile(scan, out):
    stitch_windows(Halved(), scan, out, windows=Windows(64, halo=24), inside=scan, run=RUN)


def ingest(scan, out):
    from poroscale.io.ingest import IngestConfig
    from poroscale.io.ingest import ingest as verb

    source = scan.path.with_name("scan.tif")
    verb(source, out, config=IngestConfig(voxel_size=4.0), run=RUN)


def segment(scan, out):
    from poroscale.segment import OtsuConfig, segment_otsu

    segment_otsu(scan, out, config=OtsuConfig(gaussian_um=4.0, close_um=12.0), run=RUN)


def segment_local(scan, out):
    from poroscale.segment.local.config import LocalConfig
    from poroscale.segment.local.segment import segment_local as verb

    out.mkdir()
    config = LocalConfig(close_um=12.0)
    verb(scan, out / "phases.zarr", shares=out / "shares.zarr", config=config, run=RUN)


def pores(scan, out):
    from poroscale.pores import measure_pores

    measure_pores(Volume.open(scan.path.with_name("phases.zarr")), out, run=RUN)


def grey_volumes(scan, out):
    from poroscale.pores.grey_volumes import stream_shares

    labels = Volume.open(scan.path.with_name("pores") / "labels.zarr")
    shares = Volume.open(scan.path.with_name("shares.zarr"))
    count = int(labels.read().max())
    stream_shares(labels, shares, radius=4.0, count=count, journal=out, run=RUN)


def phantom(scan, out):
    from poroscale.phantom import PhantomConfig
    from poroscale.phantom import phantom as verb

    verb(out, config=PhantomConfig(shape=(256, 256, 256), voxel_size=4.0), run=RUN)


def report(scan, out):
    from poroscale.report import write_report

    folder = scan.path.parent
    phases = Volume.open(folder / "phases.zarr")
    write_report(out, scan=scan, phases=phases, table=folder / "pores/pores.parquet", run=RUN)


def export(scan, out):
    from poroscale.io.write.export import ExportConfig
    from poroscale.io.write.export import export as verb

    verb(scan.path, out, config=ExportConfig(format="bigtiff"), run=RUN)


def evaluate(scan, out):
    from poroscale.segment import evaluate_scores

    evaluate_scores(scan, Volume.open(scan.path.with_name("truth.zarr")), work=out, run=RUN)


def segment_scores(scan, out):
    from poroscale.segment import ScoresConfig, ScoreSources
    from poroscale.segment import segment_scores as verb

    sources = ScoreSources(part=Volume.open(scan.path.with_name("truth.zarr")))
    config = ScoresConfig(close_um=12.0, sensitivity=())
    verb(scan, out, sources=sources, config=config, run=RUN)


def segment_by_network(scan, out):
    from poroscale.segment.network.by_network import ByNetworkConfig
    from poroscale.segment.network.by_network import segment_by_network as verb
    from poroscale.segment.network.model import DEFAULT, SegmentationModel
    from poroscale.segment.network.windows import WindowsConfig

    scan = Volume.open(scan.path.with_name("grey.zarr"))
    config = ByNetworkConfig(windows=WindowsConfig(overlap=0))
    verb(scan, out, model=SegmentationModel.open(DEFAULT), config=config, run=RUN)


def scan_traits(scan, out):
    from poroscale.segment.network.scan_traits import measure_traits

    measure_traits(Volume.open(scan.path.with_name("grey.zarr")), out, run=RUN)


def grey_baselines(scan, out):
    from poroscale.segment.evaluation.grey_scores import grey_baselines as verb

    verb(Volume.open(scan.path.with_name("grey.zarr")), out, flood=True, run=RUN)


def postprocess(scan, out):
    from poroscale.segment import PostprocessConfig, postprocess_scores

    predicted = Volume.open(scan.path.with_name("predicted.zarr"))
    config = PostprocessConfig(sigma_range=(0.5, 2.0), sigmas=4)
    postprocess_scores(scan, predicted, out, config=config, run=RUN)


def peak_memory():
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


if __name__ == "__main__":
    verb, scan, out = sys.argv[1], Volume.open(sys.argv[2]), Path(sys.argv[3])
    plans, planned = [], stage.make_plan

    def remember(*args, **kwargs):
        plans.append(planned(*args, **kwargs))
        return plans[-1]

    stage.make_plan = remember
    globals()[verb](scan, out)
    projected = max((plan.projected for plan in plans), default=0)
    print(json.dumps({"projected": projected, "peak": peak_memory(), "allowed": RUN.memory_bytes}))
