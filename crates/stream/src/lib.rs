//! Who else must know: committed batches on their way to the listeners of every node.
