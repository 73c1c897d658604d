"""Trained teachers: loading them, and teaching any Keras model."""

from gtn_tf.teaching.batch_norm import SettleBatchNorm
from gtn_tf.teaching.curriculum_adaptive import (
    CurriculumAdam,
    CurriculumLAMB,
    CurriculumRMSProp,
)
from gtn_tf.teaching.curriculum_sgd import CurriculumSGD
from gtn_tf.teaching.errors import TeacherError
from gtn_tf.teaching.load import BUNDLED, load_teacher, training_seconds
from gtn_tf.teaching.shuffled_lessons import shuffled_lessons
from gtn_tf.teaching.teach import teach
from gtn_tf.teaching.trained_teacher import TrainedTeacher

__all__ = [
    "BUNDLED",
    "CurriculumAdam",
    "CurriculumLAMB",
    "CurriculumRMSProp",
    "CurriculumSGD",
    "SettleBatchNorm",
    "TeacherError",
    "TrainedTeacher",
    "load_teacher",
    "shuffled_lessons",
    "teach",
    "training_seconds",
]
