"""The Redis of the test run is a real server, and no test meets the keys of another."""

from redis import Redis


def test_the_redis_of_the_tests_is_a_real_server(redis_url: str, redis_prefix: str) -> None:
    with Redis.from_url(redis_url) as redis:
        redis.set(f"{{{redis_prefix}}}:key", "value", ex=60)
        answer = redis.eval("return redis.call('GET', KEYS[1])", 1, f"{{{redis_prefix}}}:key")

    assert answer == b"value"


def test_each_test_has_keys_of_its_own(redis_url: str, redis_prefix: str) -> None:
    with Redis.from_url(redis_url) as redis:
        keys = list(redis.scan_iter(f"{{{redis_prefix}}}*"))

    assert keys == []
