//! The influx line protocol.

pub(crate) mod point;
