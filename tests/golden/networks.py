"""networks.json: all cases (cases.py says what they are)."""
import json

import layer_cases
import training_cases
from cases import cases


def text():
    if not cases:
        for make in layer_cases.ALL + training_cases.ALL:
            make()
    return "[" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "]\n"
