"""Which type of a reference each cell of a tissue has its counterpart in, and which cells have none.

Groups of like cells are made in the tissue (`groups`); each type's profile is bent to what the tissue's instrument
would show of it, and groups that no type explains are found (`matching`); probabilities are calibrated on reference
cells made as shallow and as noisy as the tissue's (`calibration`).
"""
