//! Who hears it: the hub, encode once, bounded queues, presence and typing.
