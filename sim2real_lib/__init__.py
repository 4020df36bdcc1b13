"""Does translating synthetic driving images help a detector in fog, rain and under grey skies?"""

__version__ = "0.1.0"
