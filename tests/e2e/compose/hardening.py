"""What must hold for every container, whatever its image."""

from tests.fakes.compose import Container


def assert_hardened(container: Container) -> None:
    """Limited rights, memory, processors, processes, descriptors and logs; an init; started again when it ends."""
    config, host = container.facts["Config"], container.facts["HostConfig"]
    user = config["User"].partition(":")[0]
    assert user.isdecimal(), f"{container.name} runs as {user!r}, which may be root"
    assert int(user) > 0
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Privileged"] is False
    assert host["Init"] is True
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
    assert [(limit["Name"], limit["Soft"], limit["Hard"]) for limit in host["Ulimits"]] == [("nofile", 20000, 20000)]
    assert host["Memory"] > 0
    assert host["NanoCpus"] == 10**9, "more than one processor cannot be promised where there is only one"
    assert 0 < host["PidsLimit"] <= 256
