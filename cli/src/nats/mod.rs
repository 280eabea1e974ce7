//! Streams of a NATS server (`JetStream`), in and out, as calls that wait: the runtime of the client is a thread in here.
//!
//! | file | what it does |
//! |---|---|
//! | `address.rs` | the URL that names a server, a stream, a consumer and a subject |
//! | `connection.rs` | a connection, and the thread that keeps it |
//! | `intake.rs` | messages in, each once and in order |
//! | `session.rs` | one incarnation of the consumer: what it asks of the server |
//! | `publisher.rs` | messages out, each once and in order |
//! | `position.rs` | how far an output stream goes, as its last message has it |
//!
//! `no_nats.rs` is here where the feature `nats` is not built in.

mod address;
mod connection;
mod intake;
mod position;
mod publisher;
mod session;

pub(crate) use address::Address;
pub(crate) use intake::{Intake, Message, Receipt};
pub(crate) use publisher::Publisher;
