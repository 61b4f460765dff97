//! Death at every fault point.
