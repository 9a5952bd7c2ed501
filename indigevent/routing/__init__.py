"""Who receives which message: subscriptions, BLOB policies, snooping, ownership and queues, without I/O."""
