"""Verbs, each in a process of its own: what each projected, and its peak memory [bytes].

One process imports the engine and forks for every verb. Libraries that a verb imports later are
left to it, because its plan has to count them.
"""

import json
import os
import subprocess
import sys
import traceback
from contextlib import contextmanager
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
    from poroscale.io.ingest import ingest as verb
    from poroscale.io.ingest_config import IngestConfig

    source = scan.path.with_name("scan.tif")
    verb(source, out, config=IngestConfig(voxel_size=4.0), run=RUN)


def segment(scan, out):
    from poroscale.segmentation import OtsuConfig, segment_otsu

    segment_otsu(scan, out, config=OtsuConfig(gaussian_um=4.0, close_um=12.0), run=RUN)


def segment_local(scan, out):
    from poroscale.segmentation.local.config import LocalConfig
    from poroscale.segmentation.local.segment import segment_local as verb

    out.mkdir()
    config = LocalConfig(close_um=12.0)
    verb(scan, out / "phases.zarr", shares=out / "shares.zarr", config=config, run=RUN)


def pores(scan, out):
    from poroscale.pore_analysis import measure_pores

    measure_pores(Volume.open(scan.path.with_name("phases.zarr")), out, run=RUN)


def grey_volumes(scan, out):
    from poroscale.pore_analysis.grey_volumes import stream_shares

    labels = Volume.open(scan.path.with_name("pores") / "labels.zarr")
    shares = Volume.open(scan.path.with_name("shares.zarr"))
    count = int(labels.read().max())
    stream_shares(labels, shares, radius=4.0, count=count, journal=out, run=RUN)


def phantom(scan, out):
    from poroscale.phantoms import PhantomConfig
    from poroscale.phantoms import phantom as verb

    verb(out, config=PhantomConfig(shape=scan.shape, voxel_size=4.0), run=RUN)


def plan_phantom(scan, out):
    from poroscale.phantoms import PhantomConfig
    from poroscale.phantoms.scan import plan_phantom as plan

    return plan(config=PhantomConfig(shape=(256, 256, 256), voxel_size=4.0), run=RUN)


def plan_ingest(scan, out):
    from poroscale.io.ingest import plan_ingest as plan
    from poroscale.io.ingest_config import IngestConfig

    return plan(scan.path.with_name("scan.tif"), config=IngestConfig(voxel_size=4.0), run=RUN)


def plan_pores(scan, out):
    from poroscale.pore_analysis.measure import plan_pores as plan

    return plan(Volume.open(scan.path.with_name("phases.zarr")), run=RUN)


def plan_export(scan, out):
    from poroscale.io.write.export import ExportConfig, plan_export

    return plan_export(scan.path, out, config=ExportConfig(format="bigtiff"), run=RUN)


def plan_segment(scan, out):
    from poroscale.segmentation import OtsuConfig
    from poroscale.segmentation.by_method import plan_segment as plan

    return plan(scan, config=OtsuConfig(gaussian_um=4.0, close_um=12.0), run=RUN)


def plan_segment_local(scan, out):
    from poroscale.segmentation.by_method import plan_segment as plan
    from poroscale.segmentation.local.config import LocalConfig

    return plan(scan, config=LocalConfig(close_um=12.0), run=RUN)


def plan_segment_by_network(scan, out):
    from poroscale.segmentation.by_method import plan_segment as plan
    from poroscale.segmentation.network.config import ByNetworkConfig
    from poroscale.segmentation.network.windows import WindowsConfig

    scan = Volume.open(scan.path.with_name("grey.zarr"))
    return plan(scan, config=ByNetworkConfig(windows=WindowsConfig(overlap=0)), run=RUN)


def plan_evaluate(scan, out):
    from poroscale.pipelines.evaluate import plan_evaluate as plan

    return plan([scan], Volume.open(scan.path.with_name("truth.zarr")), run=RUN)


def compare(scan, out):
    from poroscale.pipelines.compare import compare_parts

    compare_parts(*parts(scan), out, run=RUN)


def plan_compare(scan, out):
    from poroscale.pipelines.compare import plan_compare_volumes

    return plan_compare_volumes(*parts(scan), run=RUN)


def parts(scan):
    folder = scan.path.parent
    return [Volume.open(folder / "phases.zarr")], [Volume.open(folder / "other.zarr")]


def fit(scan, out):
    from poroscale.pipelines.fit import fit_part

    fit_part(parts(scan)[0], out, run=RUN)


def plan_fit(scan, out):
    from poroscale.pipelines.fit import plan_fit_part

    return plan_fit_part(parts(scan)[0], run=RUN)


def report(scan, out):
    from poroscale.report import write_report

    folder = scan.path.parent
    phases = Volume.open(folder / "phases.zarr")
    write_report(out, scan=scan, phases=phases, table=folder / "pores/pores.parquet", run=RUN)


def export(scan, out):
    from poroscale.io.write.export import ExportConfig
    from poroscale.io.write.export import export as verb

    verb(scan.path, out, config=ExportConfig(format="bigtiff"), run=RUN)


def stats_settings():
    from poroscale.statistics.summary import EVERY, StatisticsConfig

    return StatisticsConfig(which=tuple(name for name in EVERY if name != "thickness"))


def plan_stats(scan, _out):
    from poroscale.statistics.summary import plan_statistics

    phases = Volume.open(scan.path.with_name("phases.zarr"))
    return plan_statistics(phases, config=stats_settings(), run=RUN)


def stats(scan, out):
    from poroscale.pipelines.statistics import stats as verb

    phases = Volume.open(scan.path.with_name("phases.zarr"))
    verb(phases, out, config=stats_settings(), run=RUN)


def streamed_settings():
    from poroscale.pipelines.transport.settings import (
        ConductionConfig,
        TransportConfig,
        TransportSettings,
    )

    conduction = ConductionConfig(phases="0=0.01,1=1,2=0.5", solver="streamed")
    return TransportSettings(TransportConfig(tolerance=0.01), conduction)


def plan_stream_transport(scan, _out):
    from poroscale.pipelines.transport.transport import plan_transport

    phases = Volume.open(scan.path.with_name("phases.zarr"))
    return plan_transport(phases, config=streamed_settings(), run=RUN)


def stream_transport(scan, out):
    from poroscale.pipelines.transport.transport import transport as verb

    phases = Volume.open(scan.path.with_name("phases.zarr"))
    verb(phases, out, config=streamed_settings(), run=RUN)


def evaluate(scan, out):
    from poroscale.segmentation import evaluate_scores

    evaluate_scores(scan, Volume.open(scan.path.with_name("truth.zarr")), work=out, run=RUN)


def segment_scores(scan, out):
    from poroscale.segmentation import ScoresConfig, ScoreSources
    from poroscale.segmentation import segment_scores as verb

    sources = ScoreSources(part=Volume.open(scan.path.with_name("truth.zarr")))
    config = ScoresConfig(close_um=12.0, sensitivity=())
    verb(scan, out, sources=sources, config=config, run=RUN)


def segment_by_network(scan, out):
    from poroscale.segmentation.network.by_network import segment_by_network as verb
    from poroscale.segmentation.network.config import ByNetworkConfig, WindowsConfig
    from poroscale.segmentation.network.model import DEFAULT, SegmentationModel

    scan = Volume.open(scan.path.with_name("corner.zarr"))
    config = ByNetworkConfig(windows=WindowsConfig(overlap=0))
    verb(scan, out, model=SegmentationModel.open(DEFAULT), config=config, run=RUN)


def scan_traits(scan, out):
    from poroscale.segmentation.network.scan_traits import measure_traits

    measure_traits(Volume.open(scan.path.with_name("grey.zarr")), out, run=RUN)


def grey_baselines(scan, out):
    from poroscale.segmentation.evaluation.grey_scores import grey_baselines as verb

    verb(Volume.open(scan.path.with_name("grey.zarr")), out, flood=True, run=RUN)


def postprocess(scan, out):
    from poroscale.segmentation import PostprocessConfig, postprocess_scores

    predicted = Volume.open(scan.path.with_name("predicted.zarr"))
    config = PostprocessConfig(sigma_range=(0.5, 2.0), sigmas=4)
    postprocess_scores(scan, predicted, out, config=config, run=RUN)


def sem_settings():
    from poroscale.compare.micrographs.config import CompareSemConfig

    return CompareSemConfig(conditions="rate=continuous", chips=130, splits=1, resamples=10)


def plan_compare_sem(scan, _out):
    from poroscale.pipelines.micrographs.compare import plan_compare_sem as plan

    return plan(scan.path.parent, scan.path.parent, config=sem_settings(), run=RUN)


def compare_sem(scan, out):
    from poroscale.pipelines.micrographs.compare import compare_sem as verb

    verb(scan.path.parent, scan.path.parent, out, config=sem_settings(), run=RUN)


def peak_memory():
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def probe(verb, scan, out):
    """Do the verb here; its projected memory, its peak and what it was allowed [bytes]."""
    plans, planned = [], stage.make_plan

    def remember(*args, **kwargs):
        plans.append(planned(*args, **kwargs))
        return plans[-1]

    scan, out = Volume.open(scan), Path(out)
    told = globals().get(f"plan_{verb}")
    told = told(scan, out).peak if told else None
    stage.make_plan = remember
    globals()[verb](scan, out)
    projected = max((plan.projected for plan in plans), default=0)
    seen = {"projected": projected, "peak": peak_memory(), "allowed": RUN.memory_bytes}
    return seen | {"told": told}


@contextmanager
def probes():
    """A function that probes one verb: `measure(verb, scan, out)`."""
    command = [sys.executable, __file__]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as server:

        def measure(verb, scan, out):
            server.stdin.write(json.dumps([verb, str(scan.path), str(out)]) + "\n")
            server.stdin.flush()
            seen = json.loads(server.stdout.readline())
            assert "failed" not in seen, seen["failed"]
            return seen

        yield measure
        server.stdin.close()


def answer(order):
    """Print the line that answers an order, in a process forked for it."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        seen = probe(*json.loads(order))
    except BaseException:
        seen = {"failed": traceback.format_exc()}
    ANSWERS.write(json.dumps(seen) + "\n")
    ANSWERS.flush()
    os._exit(0)


if __name__ == "__main__":
    ANSWERS = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a verb prints is no answer
    for order in sys.stdin:
        answer(order)
