"""For every test: waiting threads sleep (see backend/jobs/launch.py), set before anything imports torch."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
