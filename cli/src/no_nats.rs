//! Streams of a NATS server where they are not built in: an address cannot be made, and the message names the feature.

use crate::failure::Failure;
use std::fmt;
use std::io::{self, PipeReader};
use std::time::Duration;

/// An address that cannot be made.
#[derive(Clone, Debug)]
pub(crate) enum Address {}

impl Address {
    pub(crate) fn parse(_: &str) -> Result<Self, String> {
        Err("this program was built without NATS: build it with the feature `nats`, such as by `cargo install --path cli --features \
             nats`"
            .to_owned())
    }

    pub(crate) fn has_consumer(&self) -> bool {
        match *self {}
    }
}

impl fmt::Display for Address {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

/// A message that cannot be made.
pub(crate) struct Message {
    pub(crate) sequence: u64,
    pub(crate) published: i64,
    pub(crate) payload: Vec<u8>,
    pub(crate) receipt: Receipt,
}

/// A receipt that cannot be made.
pub(crate) enum Receipt {}

/// An intake that cannot be made.
pub(crate) enum Intake {}

impl Intake {
    pub(crate) fn open(address: &Address) -> Result<Self, Failure> {
        match *address {}
    }

    pub(crate) fn created(&self) -> String {
        match *self {}
    }

    pub(crate) fn stream(&self) -> &str {
        match *self {}
    }

    pub(crate) fn filter(&self) -> &str {
        match *self {}
    }

    pub(crate) fn range(&self) -> (u64, u64) {
        match *self {}
    }

    pub(crate) fn bell(&self) -> io::Result<PipeReader> {
        match *self {}
    }

    pub(crate) fn start(&mut self, _: Option<u64>, _: Option<Duration>) -> Result<(), Failure> {
        match *self {}
    }

    pub(crate) fn most_pending(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn next(&mut self) -> io::Result<Option<Message>> {
        match *self {}
    }

    pub(crate) fn acknowledge(&mut self, _: u64, _: impl Iterator<Item = Receipt>) {
        match *self {}
    }

    pub(crate) fn close(&self) {
        match *self {}
    }
}

/// A publisher that cannot be made.
pub(crate) enum Publisher {}

impl Publisher {
    pub(crate) fn open(address: &Address) -> Result<Self, Failure> {
        match *address {}
    }

    pub(crate) fn place(&self) -> (&str, &str) {
        match *self {}
    }

    pub(crate) fn last(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn stream_end(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn most_bytes(&self) -> usize {
        match *self {}
    }

    pub(crate) fn resume(&mut self, _: String, _: Option<u64>) -> Result<Option<(u64, u64)>, Failure> {
        match *self {}
    }

    pub(crate) fn publish(&mut self, _: Option<(u64, u64)>, _: Vec<u8>) -> Result<(), Failure> {
        match *self {}
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        match *self {}
    }
}
