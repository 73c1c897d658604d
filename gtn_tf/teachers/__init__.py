"""What feeds a learner: the four curricula of the paper and its two baselines."""

from gtn_tf.teachers.all_shuffled import AllShuffled
from gtn_tf.teachers.curriculum import Curriculum
from gtn_tf.teachers.distillation import DatasetDistillation
from gtn_tf.teachers.full_curriculum import FullCurriculum
from gtn_tf.teachers.no_curriculum import NoCurriculum
from gtn_tf.teachers.real_data import RealData
from gtn_tf.teachers.shuffled_batch import ShuffledBatch
from gtn_tf.teachers.teacher import Teacher

__all__ = [
    "AllShuffled",
    "Curriculum",
    "DatasetDistillation",
    "FullCurriculum",
    "NoCurriculum",
    "RealData",
    "ShuffledBatch",
    "Teacher",
]
