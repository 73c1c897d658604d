"""What feeds a learner: the paper's four curricula, its two baselines, and pixels."""

from gtn_tf.teachers.all_shuffled import AllShuffled
from gtn_tf.teachers.curriculum import Curriculum, StoredCurriculum
from gtn_tf.teachers.distillation import DatasetDistillation
from gtn_tf.teachers.fit import warm_start
from gtn_tf.teachers.full_curriculum import FullCurriculum
from gtn_tf.teachers.generator_and_pixels import GeneratorAndPixels
from gtn_tf.teachers.no_curriculum import NoCurriculum
from gtn_tf.teachers.real_data import RealData
from gtn_tf.teachers.shuffled_batch import ShuffledBatch
from gtn_tf.teachers.teacher import Teacher

__all__ = [
    "AllShuffled",
    "Curriculum",
    "DatasetDistillation",
    "FullCurriculum",
    "GeneratorAndPixels",
    "NoCurriculum",
    "RealData",
    "ShuffledBatch",
    "StoredCurriculum",
    "Teacher",
    "warm_start",
]
