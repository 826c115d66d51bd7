"""Plans all cars jointly: a relaxation with a proven bound, then a calm plan a station can follow.

Nothing here is imported unless the strategy `optimal` plans: NumPy and HiGHS take 40 MiB.
"""
