"""Packaging of gtn_tf.

The exact versions the library is tested with are in constraints/; the ranges below
only say what it can work with, so that it can live beside other packages.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

root = Path(__file__).parent
readme = root / "README.md"

# Read, not imported: when this runs, nothing that gtn_tf needs is installed yet.
(version,) = re.findall(
    '^__version__ = "(.+)"$',
    (root / "gtn_tf" / "__init__.py").read_text(encoding="utf-8"),
    re.MULTILINE,
)

# Two stacks: TensorFlow 2.15 is the last with Keras 2 and Addons, and has no wheel for
# Python 3.12. The newest has Keras 2 as tf-keras, which follows its version.
_OLD = "python_version < '3.12'"
_NEW = "python_version >= '3.12'"

# Newer ones need a newer ml-dtypes than TensorFlow 2.15 allows.
_ONNX = [f"onnx>=1.14,<1.18; {_OLD}", f"onnx>=1.18; {_NEW}"]

setup(
    name="gtn_tf",
    version=version,
    description="Generative Teaching Networks on TensorFlow and Keras",
    long_description=readme.read_text(encoding="utf-8") if readme.exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.9,<3.14",
    # The YAML presets live in configs/ at the top of the repository and are
    # installed inside the package, as gtn_tf/configs/*.yaml.
    packages=find_packages(include=["gtn_tf", "gtn_tf.*"]) + ["gtn_tf.configs"],
    package_dir={"gtn_tf.configs": "configs"},
    package_data={
        # The bundled teachers are SavedModels or npz files in gtn_tf/bundled/.
        "gtn_tf": [
            "py.typed",
            "bundled/*/*.md",
            "bundled/*/*.json",
            "bundled/*/*.npz",
            "bundled/*/1/*.pb",
            "bundled/*/1/variables/*",
            "bundled/*/1/assets.extra/*",
        ],
        "gtn_tf.configs": ["*.yaml"],
    },
    include_package_data=False,
    zip_safe=False,
    install_requires=[
        f"tensorflow>=2.15.1,<2.16; {_OLD}",
        f"tensorflow-addons==0.23.0; {_OLD}",
        f"tensorflow>=2.21,<2.22; {_NEW}",
        f"tf-keras>=2.21,<2.22; {_NEW}",
        "tensorboard>=2.15",  # TensorFlow 2.21 does not ask for it any more
        "keras-tuner>=1.4.8,<1.5",
        "tensorflow-datasets>=4.9.3",
        f"tensorflow-metadata>=1.15,<1.16; {_OLD}",
        "importlib_resources>=5",  # tensorflow-datasets needs it and does not say so
        f"numpy>=1.23.5,<2; {_OLD}",
        f"numpy>=1.26; {_NEW}",
        "pyyaml>=6.0",
        "scikit-learn>=1.2",
        "scipy>=1.9",
        "matplotlib>=3.6",
        "pillow>=9.1",
    ],
    extras_require={
        "lint": ["ruff>=0.17.6", "mypy>=1.19", "types-PyYAML>=6.0.12"],
        "onnx": _ONNX,
        "docs": ["mkdocs-material>=9.5", "mkdocstrings-python>=1.16", "ruff>=0.17.6"],
        "test": ["pytest>=7.4", "pytest-xdist>=3.6", "hypothesis>=6.80", *_ONNX],
    },
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.9",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
)
