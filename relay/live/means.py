"""What all parts of the live room work with."""

from dataclasses import dataclass, field

from relay.cluster.node import Node
from relay.config import RelaySettings
from relay.core.clock import Clock
from relay.core.limits import ALONE, Ledger, Limits
from relay.live.counters import Counters
from relay.store.channels import Channels
from relay.store.history import History


@dataclass(frozen=True, kw_only=True)
class Means:
    """Made once for a relay, and handed to each part whole."""

    settings: RelaySettings
    limits: Limits
    history: History
    node: Node
    channels: Channels
    clock: Clock
    ledger: Ledger = ALONE
    counts: Counters = field(default_factory=Counters)
