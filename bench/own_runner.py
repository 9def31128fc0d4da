"""What the scripts beside this one share: their options, how they run commands, and one run of "lockstep bench"."""
import argparse
import json
import os
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHON = "/usr/bin/python3"  # the one that Debian's packages are for


class Parser(argparse.ArgumentParser):
    """Shows the text of a script as it stands; mistakes are one line, as those of the command."""

    def __init__(self, text):
        super().__init__(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}\n")


def positive(text):
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number above 0")
    return number


def one_of(names):
    """For operands that may also be left out, which "choices" of argparse does not allow for."""
    def check(name):
        if name not in names:
            raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(names)}")
        return name
    return check


def command_path(path):
    found = shutil.which(path)
    if found is None:
        raise argparse.ArgumentTypeError(f"there is no command '{path}'; scripts/setup makes build/lockstep")
    return found


def runner_options(text, rounds=5):
    """A parser with the options of all scripts that run Lockstep."""
    parser = Parser(text)
    parser.add_argument("--lockstep", metavar="PATH", type=command_path, default=os.path.join(TOP, "build", "lockstep"),
                        help="the command (default: build/lockstep)")
    parser.add_argument("--rounds", metavar="N", type=positive, default=rounds, help="default: %(default)s")
    return parser


def succeeds(command):
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def missing(title):
    return f"{title} is not installed (scripts/setup --peers does it): no comparison"


def output_of(command, environment=None):
    """What a command prints. If it fails, the script ends with what the command said."""
    try:
        out = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    except OSError as error:
        sys.exit(f"{command[0]} cannot be run: {error.strerror}")
    if out.returncode != 0:
        sys.exit(f"{' '.join(command)} failed with status {out.returncode}: {out.stderr.strip() or 'it said nothing'}")
    return out.stdout


def us_per_step(lockstep, name, threads, ranks=1, more=()):
    """Microseconds a step of a workload; ranks > 1: under mpirun, which then need not ask who starts it."""
    command = [lockstep, "bench", name, "--json", "--threads", str(threads), *more]
    environment = dict(os.environ)
    if ranks > 1:
        command = ["mpirun", "-n", str(ranks), "--bind-to", "none", *command]
        environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                           OMPI_MCA_btl_vader_single_copy_mechanism="none")
    text = output_of(command, environment)
    try:
        return json.loads(text.splitlines()[0])["us_per_step"]
    except (LookupError, TypeError, ValueError):
        sys.exit(f"{' '.join(command)} printed no microseconds a step")
