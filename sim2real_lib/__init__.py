"""Does translating synthetic driving images help a detector in fog, rain and under grey skies?"""

import os

__version__ = "0.1.0"

# Threads of OpenMP that wait for each other give their core away instead of spinning: beside other
# work on the same cores a training is several times faster, see benchmarks/waiting_threads.py.
# Read when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
