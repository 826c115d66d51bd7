"""The scenes, longest first, so that those that run side by side end together."""

from wattbus_conformance.scenes import (
    fuse,
    holding,
    instances,
    night,
    noise,
    quiet,
    restart,
    wishes,
)

SCENES = (
    holding.SCENE, instances.SCENE, wishes.SCENE, night.SCENE, quiet.SCENE, noise.SCENE,
    restart.SCENE, fuse.HOUSE, fuse.TWO, fuse.PHASE,
)  # fmt: skip
