"""The parameters of every notebook and of a run, as strict models (see `strict`).

What a parameter does stands below it; `docs/parameters.md` is made of that.
"""

from sim2real_lib.params.cyclegan_training import CycleGANTraining
from sim2real_lib.params.data_analysis import DataAnalysis, Own
from sim2real_lib.params.downstream import Downstream
from sim2real_lib.params.nst_generation import NSTGeneration
from sim2real_lib.params.result_visualization import ResultVisualization
from sim2real_lib.params.run import Run
from sim2real_lib.params.variants import STYLES, TRANSLATORS, Rendered, Variant, translation_folder
from sim2real_lib.params.yolo_training import YOLOTraining
from sim2real_lib.strict import Params

__all__ = [
    "NOTEBOOKS",
    "STYLES",
    "TRANSLATORS",
    "CycleGANTraining",
    "DataAnalysis",
    "Downstream",
    "NSTGeneration",
    "Own",
    "Rendered",
    "ResultVisualization",
    "Run",
    "Variant",
    "YOLOTraining",
    "translation_folder",
]

NOTEBOOKS: dict[str, type[Params]] = {
    "01_data_analysis": DataAnalysis,
    "02_cyclegan_training": CycleGANTraining,
    "03_nst_generation": NSTGeneration,
    "04_yolo_training": YOLOTraining,
    "05_result_visualization": ResultVisualization,
}
