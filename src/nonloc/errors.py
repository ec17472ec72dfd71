"""Every error a user can meet, as one family.

    NonlocError
      ImageError          a file or array that cannot be read, kept or written
      DegradationError    a text such as 'gaussian:25' that means nothing
      UnknownMethod       no method of that name
      CardError           a card that is wrong, or arguments that it does not allow
      SigmaOutOfRange     a noise level that the method was not made for
      SigmaUnitError      0.1 where 25.5 was meant
      WeightsError        weights that are missing, damaged or of another network
      MemoryLimit         the work does not fit into --memory
      DataMissing         pictures under NONLOC_DATA that are not there
      RecipeError         a training recipe that cannot be run
      UsageError          options that contradict each other
      Cancelled           the user stopped the work

Arguments stay positional, or an error could not be unpickled when it comes back from a worker process.
"""


class NonlocError(Exception):
    """What was asked, what was found, what to do now."""

    def __init__(self, asked: str, found: str, do: str):
        super().__init__(asked, found, do)

    def __str__(self) -> str:
        asked, found, do = self.args
        return f"{asked}: {found}. {do}."


class ImageError(NonlocError, ValueError):
    """A file or array that cannot be read, kept or written."""


class DegradationError(NonlocError, ValueError):
    """A text form that names no degradation."""


class UnknownMethod(NonlocError, LookupError):
    """The registry has no method of that name."""


class CardError(NonlocError, ValueError):
    """A card that is wrong, or an argument that a card does not allow."""


class SigmaOutOfRange(NonlocError, ValueError):
    """A noise level that the method was not made for."""


class SigmaUnitError(NonlocError, ValueError):
    """A sigma that looks as if it were given on another scale."""


class WeightsError(NonlocError, ValueError):
    """Weights that are missing, damaged, or of another network."""


class MemoryLimit(NonlocError, MemoryError):
    """Work that does not fit into the memory it was given."""


class DataMissing(NonlocError, LookupError):
    """Pictures that should lie under NONLOC_DATA and do not."""


class RecipeError(NonlocError, ValueError):
    """A training recipe that cannot be run."""


class UsageError(NonlocError, ValueError):
    """Options that contradict each other, or ask for what does not exist."""


class Cancelled(NonlocError):
    """The user stopped the work; nothing was written."""
