"""One run of "lockstep bench", for the scripts beside this one."""
import json
import os
import subprocess
import sys


def us_per_step(lockstep, name, threads, ranks=1, more=()):
    """Microseconds a step of a workload; ranks > 1: under mpirun, which then need not ask who starts it."""
    command = [lockstep, "bench", name, "--json", "--threads", str(threads), *more]
    environment = dict(os.environ)
    if ranks > 1:
        command = ["mpirun", "-n", str(ranks), "--bind-to", "none", *command]
        environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_btl_vader_single_copy_mechanism="none")
    out = subprocess.run(command, capture_output=True, text=True, env=environment)
    if out.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{out.stderr}")
    return json.loads(out.stdout.splitlines()[0])["us_per_step"]
