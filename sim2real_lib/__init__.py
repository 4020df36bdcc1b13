"""sim2real: does translating synthetic driving images help a detector in fog, rain and overcast?"""

__version__ = "0.1.0"
