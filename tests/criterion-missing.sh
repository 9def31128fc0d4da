#!/bin/sh
# Stands in for the unit tests where they could not be built.
echo "The unit tests were not built: configure did not find Criterion (Debian: libcriterion-dev)."
echo "Install it, run configure again, and then make check."
exit 1
