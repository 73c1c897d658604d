"""The one error of a trained teacher at work."""

from __future__ import annotations


class TeacherError(ValueError):
    """A teacher, or a model for it, that cannot be used, told in one sentence."""
