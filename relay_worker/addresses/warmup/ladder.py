"""The ladder of warm-up: how many recipients a day an address may send to one provider, stage by stage."""

# SparkPost's automatic warm-up, per address and day (SparkPost/support-docs 2cb4102, read in August 2026). Applied here
# to each provider by itself, which is slower, never faster.
LADDER = (
    *(200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 40_000, 50_000, 75_000),
    *(100_000, 150_000, 200_000, 250_000, 325_000, 400_000, 500_000, 600_000, 750_000, 1_000_000),
    *(1_250_000, 1_750_000, 2_000_000, 3_000_000, 4_250_000, 5_000_000, 6_000_000, 7_500_000, 10_000_000),
)
FIRST, LAST = 1, len(LADDER)


def per_day(stage: int, peak: int | None = None) -> int:
    """Recipients a day at `stage` (1 to 29); no more than `peak`, what the address is needed for at most."""
    limit = LADDER[stage - 1]
    return limit if peak is None else min(limit, peak)


def is_top(stage: int, peak: int | None = None) -> bool:
    """Whether there is nothing above: a good day at this stage ends the warm-up."""
    return stage >= LAST or (peak is not None and LADDER[stage - 1] >= peak)
