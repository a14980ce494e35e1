import subprocess
import sys

import pytest
import torch

pytestmark = pytest.mark.torch


def test_no_verb_loads_torch_before_it_is_asked_for():
    script = (
        "import pkgutil, sys; from importlib import import_module; import jumpduck.stages as x;"
        "[import_module(one.name) for one in pkgutil.iter_modules(x.__path__, 'jumpduck.stages.')];"
        "print([name for name in ('torch', 'lightning', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
    assert torch.__version__
