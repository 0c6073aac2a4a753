from deploy.local.restart import HEALTHY_SECONDS, LONGEST_SECONDS, Backoff


def test_the_first_restart_comes_at_once_and_each_next_waits_twice_as_long() -> None:
    backoff, delays = Backoff(), []
    for _ in range(5):
        backoff = backoff.after(ran_seconds=1)
        delays.append(backoff.delay_seconds)
    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2]


def test_the_wait_has_a_bound() -> None:
    assert Backoff(crashes=10_000).delay_seconds == LONGEST_SECONDS


def test_whoever_ran_well_begins_anew() -> None:
    assert Backoff(crashes=7).after(HEALTHY_SECONDS).delay_seconds == Backoff().after(0).delay_seconds
