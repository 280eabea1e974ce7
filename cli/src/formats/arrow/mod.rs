//! Arrow: files (Feather of version 2, `.arrow`) and streams, tables with types in pieces of some thousand rows.
//!
//! A file has a list of its pieces at its end, and what stands before it need not be a stream: polars leaves out the length of the
//! first message.
//!
//! | file | what it does |
//! |---|---|
//! | `messages.rs` | bytes to messages, those of a stream or those that a file lists |
//! | `decode.rs` | messages to rows |

mod decode;
mod messages;

use super::reader::{Client, Input, Next, Reader, Use};
use super::typed::{Bytes, Piece, Row, Table};
use crate::failure::Failure;
use decode::Batches;
use messages::{MARK, Messages};
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// What a stream begins with.
const START: [u8; 4] = [0xff; 4];

/// The reader of Arrow.
pub(crate) struct Arrow(Table);

impl Reader for Arrow {
    type Record<'a> = Row<'a>;

    const ENDINGS: &'static [&'static str] = &["arrow", "arrows", "feather", "ipc"];
    const USES: &'static [Use] = &[Use::Columns, Use::TimeForm];
    const IS_STREAMED: bool = false;
    const IS_TYPED: bool = true;

    /// The mark of a file; or the start of a stream, which no text has.
    fn looks_like(first: &[u8]) -> bool {
        first.starts_with(MARK) || first.starts_with(&START)
    }

    fn open(input: Input) -> Result<Self, Failure> {
        Table::open(input, open).map(Self)
    }

    fn next(&mut self, client: &mut impl Client) -> Result<Next<'_, Row<'_>>, Failure> {
        self.0.next(client)
    }

    fn check_end(&self, _: u64) -> Result<(), Failure> {
        Ok(())
    }
}

fn open(bytes: Bytes) -> Result<Box<dyn Piece>, String> {
    let incomplete = |error: String| format!(" is not a complete Arrow file or stream: {error}");
    let first_of = |bytes: &mut dyn Read| {
        let mut first = Vec::new();
        bytes.take(MARK.len() as u64).read_to_end(&mut first).map_err(|error| incomplete(error.to_string()))?;
        Ok::<_, String>(first)
    };
    let batches = match bytes {
        Bytes::File(mut file, size) => {
            let is_file = file.seek(SeekFrom::Start(0)).is_ok() && first_of(&mut file)? == MARK;
            file.seek(SeekFrom::Start(0)).map_err(|error| incomplete(error.to_string()))?;
            if is_file {
                Messages::of_file(file, size).map(|(messages, schema)| Batches::new(messages, schema, size))
            } else {
                Batches::of_stream(Messages::Stream(Box::new(BufReader::new(file))), size)
            }
        }
        Bytes::Pipe(mut bytes) => {
            let first = first_of(&mut bytes)?;
            if first == MARK {
                return Err(": an Arrow file cannot be read from a pipe, because what is where stands at its end: name the file, or \
                            write a stream"
                    .to_owned());
            }
            Batches::of_stream(Messages::Stream(Box::new(io::Cursor::new(first).chain(bytes))), 0)
        }
    };
    Ok(Box::new(batches.map_err(incomplete)?))
}
