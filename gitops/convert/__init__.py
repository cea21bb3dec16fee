"""Values of the Octopus kubernetes-agent chart as our kinds.

`read` a values file, `convert` it; `files` writes the result out, `report` says what became of each value.
"""

from gitops.convert.conversion import Conversion, Names, convert, names_for
from gitops.convert.values import Values, read

__all__ = ["Conversion", "Names", "Values", "convert", "names_for", "read"]
