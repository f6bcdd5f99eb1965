"""poroscale: a Dask/Zarr engine for porous 3D volumes."""

# Made by `make face`; change the declarations of the verbs instead.

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias

from distributed.client import Client
from poroscale.compare.comparison import Comparison as Comparison
from poroscale.compare.config import CompareConfig as CompareConfig
from poroscale.compare.micrographs.comparison import MicrographComparison as MicrographComparison
from poroscale.compare.micrographs.config import CompareSemConfig as CompareSemConfig
from poroscale.compare.microstructure.comparison import MicrostructureComparison as MicrostructureComparison
from poroscale.compare.microstructure.config import CompareMicrostructureConfig as CompareMicrostructureConfig
from poroscale.engine.job_plan import JobPlan as JobPlan
from poroscale.engine.run import Run as Run
from poroscale.io.crop import CropConfig as CropConfig
from poroscale.io.ingest_config import IngestConfig as IngestConfig
from poroscale.io.write.export import ExportConfig as ExportConfig
from poroscale.micrographs.dataset import MicrographSet as MicrographSet
from poroscale.micrographs.gan.model import MicrographModel as MicrographModel
from poroscale.microstructure.model import MicrostructureModel as MicrostructureModel
from poroscale.parts.generate import GeneratedPart as GeneratedPart
from poroscale.parts.model import PartModel as PartModel
from poroscale.phantoms.config import PhantomConfig as PhantomConfig
from poroscale.phantoms.scan import Phantom as Phantom
from poroscale.pipelines.analyse import AnalyseConfig as AnalyseConfig
from poroscale.pipelines.analyse import Analysis as Analysis
from poroscale.pipelines.analyse import BatchConfig as BatchConfig
from poroscale.pipelines.demo import DemoResult as DemoResult
from poroscale.pipelines.fit import FitConfig as FitConfig
from poroscale.pipelines.fit import FitPartConfig as FitPartConfig
from poroscale.pipelines.generate import GenerateConfig as GenerateConfig
from poroscale.pipelines.micrographs.gather import GatherSemConfig as GatherSemConfig
from poroscale.pipelines.micrographs.generate import GenerateSemConfig as GenerateSemConfig
from poroscale.pipelines.micrographs.train import SemTrainJob as SemTrainJob
from poroscale.pipelines.microstructure.settings import FitMicrostructureConfig as FitMicrostructureConfig
from poroscale.pipelines.microstructure.settings import MicrostructureConfig as MicrostructureConfig
from poroscale.pipelines.microstructure.settings import SliceGanTraining as SliceGanTraining
from poroscale.pipelines.microstructure.settings import SwnnConfig as SwnnConfig
from poroscale.pipelines.microstructure.wishes import GenerateMicrostructureConfig as GenerateMicrostructureConfig
from poroscale.pipelines.train import TrainJob as TrainJob
from poroscale.pipelines.train import TrainedModel as TrainedModel
from poroscale.pipelines.transport.settings import ConductionConfig as ConductionConfig
from poroscale.pipelines.transport.settings import FlowConfig as FlowConfig
from poroscale.pipelines.transport.settings import TransportConfig as TransportConfig
from poroscale.pipelines.transport.settings import TransportSettings as TransportSettings
from poroscale.pore_analysis.config import ClassRules
from poroscale.pore_analysis.config import PoresConfig as PoresConfig
from poroscale.report.chosen import ReportConfig as ReportConfig
from poroscale.segmentation.evaluation.evaluate import EvaluateConfig as EvaluateConfig
from poroscale.segmentation.evaluation.evaluate import Evaluation as Evaluation
from poroscale.segmentation.local.config import LocalConfig as LocalConfig
from poroscale.segmentation.network.config import ByNetworkConfig as ByNetworkConfig
from poroscale.segmentation.scores.config import ScoresConfig as ScoresConfig
from poroscale.segmentation.thresholds.config import OtsuConfig as OtsuConfig
from poroscale.statistics.summary import StatisticsConfig as StatisticsConfig
from poroscale.statistics.summary import VolumeStatistics as VolumeStatistics
from poroscale.statistics.topology.betti import VolumeTopology as VolumeTopology
from poroscale.statistics.topology.config import TopologyConfig as TopologyConfig
from poroscale.studies.losses import LossResult as LossResult
from poroscale.studies.losses import LossSearch as LossSearch
from poroscale.studies.poor_scan import PoorScanResult as PoorScanResult
from poroscale.studies.study import Study as Study
from poroscale.studies.study import StudyResult as StudyResult
from poroscale.surfaces.config import SurfaceConfig as SurfaceConfig
from poroscale.surfaces.height_map import MeasuredHeights as MeasuredHeights
from poroscale.surfaces.measure import SurfaceMap as SurfaceMap
from poroscale.surfaces.roughness import RoughnessConfig as RoughnessConfig
from poroscale.transport.found import TransportFound as TransportFound
from poroscale.volume import Volume as Volume
from poroscale.volume import VolumeSpec as VolumeSpec

__version__: str

VolumeLike: TypeAlias = Volume | str | PathLike[str] | Any
"""An open volume, the path of one, or an array of numpy, dask, zarr or xarray."""

def open(path: str | Path, *, level: int = 0) -> Volume:
    """Open a finished volume."""

def plan(verb: Callable[..., Any] | str, /, *args: Any, **given: Any) -> JobPlan:
    """The memory, the disk and the blocks of a verb, before it starts."""

def analyse(
    sources: Any,
    out_dir: str | Path,
    *,
    voxel_size: float | tuple[float, float, float] | None = None,
    dataset: str | None = None,
    pattern: str | None = None,
    channel: int | Literal['index'] | None = None,
    invert: bool = False,
    box: tuple[int, int, int, int, int, int] | None = None,
    mask: str | None = None,
    mask_fill: float = 0.0,
    nan: float | None = None,
    axes: Literal['z', 'y', 'x'] = 'z',
    dtype: Literal['uint8', 'uint16', 'uint32', 'int8', 'int16', 'int32', 'float32'] | None = None,
    overflow: Literal['refuse', 'clip', 'scale'] = 'refuse',
    levels: tuple[float, float] | None = None,
    method: Literal['auto', 'otsu', 'iso50'] | None = None,
    model: str | None = None,
    outside: Literal['auto', 'none', 'corners'] | tuple[Literal['z-', 'z+', 'y-', 'y+', 'x-', 'x+'], ...] | str = 'auto',
    void: Literal['local', 'air'] = 'local',
    connectivity: Literal[6, 18, 26] = 6,
    min_voxels: int = 9,
    min_diameter_um: float = 0.0,
    min_extent: int = 1,
    close_um: float = 0.0,
    sensitivity: tuple[float, ...] = (-0.05, -0.02, 0.02, 0.05),
    gaussian_um: float = 0.0,
    median_voxels: int = 0,
    outer_threshold: float | None = None,
    inner_threshold: float | None = None,
    inner_rule: Literal['otsu', 'iso50'] = 'otsu',
    hysteresis: float = 0.0,
    circle: Literal['auto', 'none'] = 'auto',
    threshold: float | Literal['otsu', 'yen', 'dice'] = 'otsu',
    pore: int | None = None,
    outside_value: int | None = None,
    labels: bool = False,
    pore_connectivity: Literal[6, 18, 26] = 6,
    bank: bool = False,
    classes: bool = False,
    rules: ClassRules = ...,
    min_um: float | None = None,
    skin_um: float | None = None,
    same_thresholds: bool = False,
    config: AnalyseConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> list[Analysis]:
    """Ingest, segment, measure and report one scan or several."""

def bench(
    edges: Sequence[int] = (256, 512),
    *,
    repeats: int = 3,
    only: str | None = None,
    data: str | Path | None = None,
    out: str | Path | None = None,
    seeds: str | None = None,
    kinds: str | None = None,
    scans: str | Path | None = None,
    methods: str | None = None,
    measures: str | None = None,
    porespy: str | Path | None = None,
    taufactor: str | Path | None = None,
    report: Callable[[str], None] = ...,
) -> str:
    """Time the verbs beside the tools of the field, and judge porosity on scans of known truth."""

def compare_losses(
    config: str | Path | LossSearch,
    *,
    memory: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> LossResult:
    """Search for the focal Tversky loss that trains best, as a YAML file says."""

def compare_microstructure(
    reference: Any | Sequence[Any],
    generated: VolumeLike | Sequence[VolumeLike],
    out_dir: str | Path,
    *,
    which: tuple[Literal['surface', 's2', 'lineal_path', 'chords', 'connectivity', 'c2', 'betti', 'thickness', 'diffusivity', 'conductivity', 'permeability'], ...] | None = None,
    conductivities: tuple[float, ...] | None = None,
    pore: tuple[int, ...] | None = None,
    plane: Literal['yx', 'zx', 'zy'] | None = None,
    samples: int | None = None,
    sections: int = 4,
    edge: int | None = None,
    lags: int | None = None,
    limit: float = 1.0,
    voxel_um: float | None = None,
    voxel_size: float | tuple[float, float, float] | None = None,
    name: str | None = None,
    config: CompareMicrostructureConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> MicrostructureComparison:
    """Compare generated microstructures with a reference image or volume."""

def compare_models(
    config: str | Path | Study,
    *,
    memory: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    progress: bool | None = None,
) -> StudyResult:
    """Train segmentation models on phantoms and compare them, as a YAML file says."""

def compare_sem(
    real: str | Path,
    generated: str | Path,
    out_dir: str | Path,
    *,
    conditions: str | None = None,
    chip: int | None = None,
    chips: int = 1000,
    splits: int = 8,
    resamples: int = 100,
    directions: int = 64,
    seed: int = 0,
    config: CompareSemConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> MicrographComparison:
    """Compare generated micrographs with real ones of the same conditions."""

def compare_volumes(
    reference: VolumeLike | Sequence[VolumeLike],
    generated: VolumeLike | Sequence[VolumeLike],
    out_dir: str | Path,
    *,
    model: str | Path | None = None,
    windows: int = 16,
    splits: int = 20,
    bootstrap: int = 200,
    limit: float = 1.5,
    realisations: int = 5,
    layer_um: float = 30.0,
    lag_um: float = 150.0,
    picture: int = 256,
    seed: int = 0,
    voxel_size: float | tuple[float, float, float] | None = None,
    name: str | None = None,
    config: CompareConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> Comparison:
    """Compare original parts with generated ones."""

def crop(
    volume: VolumeLike,
    out: str | Path,
    *,
    box: tuple[int, int, int, int, int, int] | None = None,
    voxel_size: float | tuple[float, float, float] | None = None,
    name: str | None = None,
    config: CropConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> Volume:
    """Keep a region of a volume as a volume of its own."""

def demo(
    out: str | Path = 'demo',
    *,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> DemoResult:
    """Make a scan, analyse it, compare it with the truth, and make a new part like it."""

def doctor() -> list[str]:
    """Tell what this machine offers: cores, memory, GPUs and optional packages."""

def evaluate(
    scores: VolumeLike | Sequence[VolumeLike],
    truth: VolumeLike,
    out_dir: str | Path | None = None,
    *,
    inside: VolumeLike | None = None,
    scan: VolumeLike | None = None,
    baselines: bool | None = None,
    truth_kind: Literal['auto', 'phases', 'mask', 'labels'] = 'auto',
    everywhere: bool = False,
    threshold: float | None = None,
    pores: bool = True,
    connectivity: Literal[6, 18, 26] = 6,
    min_voxels: int = 9,
    min_extent: int = 1,
    voxel_size: float | tuple[float, float, float] | None = None,
    name: str | None = None,
    config: EvaluateConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> list[Evaluation]:
    """Measure how well scores, or phases, tell known pores from solid."""

def export(
    src: str | Path | Volume,
    dst: str | Path,
    *,
    format: Literal['tiff', 'bigtiff', 'tiff-stack', 'overlay', 'raw', 'vtkhdf', 'npy', 'csv', 'parquet', 'xlsx'] | None = None,
    labels: str | None = None,
    table: str | None = None,
    columns: tuple[str, ...] = ('equivalent_diameter_um',),
    window: tuple[float, float] | None = None,
    opacity: float = 0.6,
    config: ExportConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> Path:
    """Write a volume or a table in the format of another program."""

def fit_microstructure(
    images: Any | Sequence[Any],
    model_dir: str | Path,
    *,
    progress: bool | None = None,
    method: Literal['field', 'swnn', 'slicegan'] = 'field',
    kind: Literal['phases', 'grey'] | Literal['colour'] = 'phases',
    planes: str | None = None,
    phases: int | None = None,
    region: str | None = None,
    reach: int | None = None,
    voxel_um: float | None = None,
    tile: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    recipe: Literal['published', 'short'] = 'short',
    iterations: int | None = None,
    learning_rate: float | None = None,
    filters: int | None = None,
    scales: Literal[1, 2, 3] | None = None,
    projections: Literal['normal', 'orthogonal'] | None = None,
    patience: int | None = None,
    loss: Literal['patterns', 'autocorrelation'] = 'patterns',
    lineal_path: float = 0.0,
    template: int = 7,
    depth: int | None = None,
    width: int | None = None,
    dimensions: Literal[2, 3] = 3,
    fraction: str | None = None,
    targets: Literal['condition', 'noise'] = 'condition',
    within: str | None = None,
    weights: Path | None = None,
    network: Literal['small', 'published'] = 'small',
    epochs: int | None = None,
    upsampling: Literal['transposed', 'resize'] = 'transposed',
    diagonal: bool = False,
    device: Literal['cpu', 'cuda'] = 'cpu',
    config: FitMicrostructureConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
) -> MicrostructureModel:
    """Fit a model of a microstructure to an image, or to a few."""

def fit_part(
    phases: VolumeLike | Sequence[VolumeLike],
    model_dir: str | Path,
    *,
    bank: Literal['empirical', 'dcgan', 'ellipsoid'] = 'empirical',
    sampling: Literal['joint', 'maps', 'polar'] = 'joint',
    bins: int = 30,
    seed: int = 0,
    part: Literal['auto', 'cylinder', 'box'] = 'auto',
    notch_um: float = 150.0,
    notch_depth: float = 5.0,
    short_wave_um: float | None = None,
    long_wave_um: float | None = None,
    realisations: int = 0,
    iterations: int = 60,
    window: int = 96,
    overlap: int = 16,
    voxel_size: float | tuple[float, float, float] | None = None,
    name: str | None = None,
    config: FitPartConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> PartModel:
    """Fit a part model to scanned parts."""

def gather_sem(
    table: str | Path,
    out_dir: str | Path,
    *,
    images: str | None = None,
    pixel_um: float | None = None,
    bring_to_um: float | None = None,
    bar: int = 0,
    chip: int = 128,
    channel: int | None = None,
    denoise: bool = False,
    config: GatherSemConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> MicrographSet:
    """Bring micrographs and the table of their conditions together as one chunked set."""

def generate_microstructure(
    model: str | Path,
    out: str | Path,
    *,
    mask: VolumeLike | None = None,
    inside: VolumeLike | None = None,
    shape: tuple[int, int, int] = (256, 256, 256),
    seed: int = 0,
    fraction: str | None = None,
    gradient: str | None = None,
    outside: int | None = None,
    masked_noise: bool = False,
    periodic: bool = False,
    origin: tuple[int, int, int] = (0, 0, 0),
    voxel_size: float | tuple[float, float, float] | None = None,
    name: str | None = None,
    config: GenerateMicrostructureConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> Volume:
    """Generate a volume of phases, or of grey values, from a model of a microstructure."""

def generate_part(
    model: str | Path,
    out: str | Path,
    *,
    progress: bool | None = None,
    shape: tuple[int, int, int] | None = None,
    seed: int = 0,
    count: int | None = None,
    diameter: float | None = None,
    mesh: str | None = None,
    mesh_unit: Literal['um', 'mm'] = 'mm',
    config: GenerateConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
) -> list[GeneratedPart]:
    """Generate new parts with the pores and the surface of a model."""

def generate_sem(
    model: str | Path,
    out_dir: str | Path,
    *,
    condition: str = '',
    count: int = 1,
    size: tuple[int, int] | None = None,
    seed: int = 0,
    device: Literal['cpu', 'cuda'] = 'cpu',
    pictures: bool = False,
    config: GenerateSemConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> MicrographSet:
    """Generate micrographs of given conditions, of any size."""

def height_map(
    path: str | Path,
    out_dir: str | Path,
    *,
    part: Literal['auto', 'cylinder', 'box'] = 'auto',
    notch_um: float = 150.0,
    notch_depth: float = 5.0,
    short_wave_um: float | None = None,
    long_wave_um: float | None = None,
    config: SurfaceConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> MeasuredHeights:
    """Measure the roughness of a profilometer's height map (ISO 25178-2)."""

def info(
    path: str | Path,
    *,
    as_json: bool = False,
) -> list[Any]:
    """Tell what an output holds and how it was made."""

def ingest(
    src: Any,
    out: str | Path,
    *,
    name: str | None = None,
    voxel_size: float | tuple[float, float, float] | None = None,
    dataset: str | None = None,
    pattern: str | None = None,
    channel: int | Literal['index'] | None = None,
    invert: bool = False,
    box: tuple[int, int, int, int, int, int] | None = None,
    mask: str | None = None,
    mask_fill: float = 0.0,
    nan: float | None = None,
    axes: Literal['z', 'y', 'x'] = 'z',
    dtype: Literal['uint8', 'uint16', 'uint32', 'int8', 'int16', 'int32', 'float32'] | None = None,
    overflow: Literal['refuse', 'clip', 'scale'] = 'refuse',
    levels: tuple[float, float] | None = None,
    config: IngestConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> Volume:
    """Bring a scan of any format in as a volume, block by block."""

def phantom(
    out: str | Path,
    *,
    shape: tuple[int, int, int] | None = None,
    voxel_size: float = 5.0,
    porosity: float = 0.006,
    seed: int = 0,
    part: Literal['cylinder', 'cube'] = 'cylinder',
    ends: Literal['through', 'capped'] = 'through',
    roughness: float | None = None,
    pore_diameter: float | None = None,
    pore_classes: tuple[float, float, float] = (0.6, 0.15, 0.25),
    open_fraction: float = 0.04,
    surface_bias: float = 3.0,
    side_bias: float = 0.5,
    projections: int | None = None,
    exposure: float = 1.0,
    beam: Literal['parallel', 'cone'] = 'cone',
    material: Literal['steel', 'titanium', 'aluminium'] = 'steel',
    tube_voltage: float | None = None,
    hardening: bool = True,
    noise: float = 0.04,
    noise_correlation: float = 0.6,
    blur: float = 0.7,
    cupping: float = 0.06,
    rings: float = 0.006,
    gradient: float = 0.0,
    air_level: float = 9000.0,
    solid_level: float = 38000.0,
    config: PhantomConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> Phantom:
    """Generate a printed coupon with pores, and scan it."""

def poor_scan(
    out: str | Path,
    *,
    config: PhantomConfig = ...,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> PoorScanResult:
    """Make a scan of low exposure, segment it twice, and compare both with the truth."""

def pores(
    phases: VolumeLike,
    out_dir: str | Path,
    *,
    shares: VolumeLike | None = None,
    pore: int | None = None,
    outside_value: int | None = None,
    labels: bool = False,
    connectivity: Literal[6, 18, 26] = 6,
    bank: bool = False,
    classes: bool = False,
    rules: ClassRules = ...,
    voxel_size: float | tuple[float, float, float] | None = None,
    name: str | None = None,
    config: PoresConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> Path:
    """Label and measure the pores of a volume."""

def segment(
    scan: VolumeLike,
    out: str | Path,
    *,
    shares: str | Path | None = None,
    scores: str | Path | None = None,
    thresholds_from: VolumeLike | None = None,
    method: Literal['auto', 'otsu', 'iso50'] | None = None,
    model: str | None = None,
    outside: Literal['auto', 'none', 'corners'] | tuple[Literal['z-', 'z+', 'y-', 'y+', 'x-', 'x+'], ...] | str = 'auto',
    void: Literal['local', 'air'] = 'local',
    connectivity: Literal[6, 18, 26] = 6,
    min_voxels: int = 9,
    min_diameter_um: float = 0.0,
    min_extent: int = 1,
    close_um: float = 0.0,
    sensitivity: tuple[float, ...] = (-0.05, -0.02, 0.02, 0.05),
    gaussian_um: float = 0.0,
    median_voxels: int = 0,
    outer_threshold: float | None = None,
    inner_threshold: float | None = None,
    inner_rule: Literal['otsu', 'iso50'] = 'otsu',
    hysteresis: float = 0.0,
    circle: Literal['auto', 'none'] = 'auto',
    threshold: float | Literal['otsu', 'yen', 'dice'] = 'otsu',
    voxel_size: float | tuple[float, float, float] | None = None,
    name: str | None = None,
    config: LocalConfig | OtsuConfig | ByNetworkConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> Volume:
    """Segment a scan into outside, solid and pore: by local levels, thresholds, or a network."""

def stats(
    volume: VolumeLike,
    out_dir: str | Path | None = None,
    *,
    inside: VolumeLike | None = None,
    phase: int | None = None,
    which: tuple[Literal['surface', 'minkowski', 'triple_line', 'chords', 'lineal_path', 's2', 'connectivity', 'c2', 'thickness'], ...] | None = None,
    lags: int | None = None,
    largest_um: float | None = None,
    voxel_size: float | tuple[float, float, float] | None = None,
    name: str | None = None,
    config: StatisticsConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> VolumeStatistics:
    """Measure fractions, surfaces, curvatures, chords and correlations of phases."""

def surface(
    phases: VolumeLike,
    out_dir: str | Path,
    *,
    part: Literal['auto', 'cylinder', 'box'] = 'auto',
    notch_um: float = 150.0,
    notch_depth: float = 5.0,
    short_wave_um: float | None = None,
    long_wave_um: float | None = None,
    voxel_size: float | tuple[float, float, float] | None = None,
    name: str | None = None,
    config: SurfaceConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> SurfaceMap:
    """Unroll the surface of a part and measure its roughness."""

def topology(
    volume: VolumeLike,
    out_dir: str | Path,
    *,
    of: Literal['grey', 'phase', 'distance'] | None = None,
    phase: int | None = None,
    cap_um: float | None = None,
    levels: int = 256,
    connectivity: Literal[26, 6] = 26,
    voxel_size: float | tuple[float, float, float] | None = None,
    name: str | None = None,
    config: TopologyConfig | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> VolumeTopology:
    """Count components, handles and cavities of a volume, level by level."""

def train_segment(
    config: str | Path | TrainJob,
    *,
    memory: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    overwrite: bool | None = None,
    progress: bool | None = None,
) -> TrainedModel:
    """Train a segmentation network, or go on training it, as a YAML file says."""

def train_sem(
    config: str | Path | SemTrainJob,
    *,
    overwrite: bool | None = None,
    progress: bool | None = None,
) -> MicrographModel:
    """Train a generator of micrographs by their conditions, or go on training it."""

def transport(
    volume: VolumeLike,
    out_dir: str | Path,
    *,
    property: Literal['diffusivity', 'conductivity', 'permeability'] = 'diffusivity',
    axis: Literal['z', 'y', 'x', 'all'] = 'z',
    sides: Literal['closed', 'periodic', 'mirrored'] = 'closed',
    tolerance: float | None = None,
    iterations: int = 200,
    tensor: bool = False,
    fields: bool = False,
    phases: str | None = None,
    solver: Literal['auto', 'memory', 'streamed'] = 'auto',
    device: Literal['cpu', 'cuda'] = 'cpu',
    pore: str | None = None,
    ends: Literal['pressure', 'mirrored', 'periodic'] = 'pressure',
    layers: int = 0,
    corner: float = 1.5,
    voxel_size: float | tuple[float, float, float] | None = None,
    name: str | None = None,
    config: TransportSettings | None = None,
    run: Run | None = None,
    memory: int | str | None = None,
    memory_per_worker: int | str | None = None,
    cluster: str | Client | None = None,
    workers: int | None = None,
    block: tuple[int, int, int] | None = None,
    overwrite: bool = False,
    progress: bool | None = None,
) -> TransportFound:
    """Measure the effective diffusivity, conductivity or permeability, with its error."""

def verify(
    path: str | Path,
) -> list[str]:
    """Compare every file of an output with what was written."""
