//! Messages to rows.

use super::messages::{Message, Messages};
use crate::formats::typed::{PEEK, Piece, pandas, rows_at_once};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::MessageHeader;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{RecordBatchDecoder, read_dictionary};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use std::collections::HashMap;
use std::sync::Arc;

/// The rows of messages.
pub(super) struct Batches {
    messages: Messages,
    /// Bytes of the file, or 0, and those that have been read.
    size: u64,
    read: u64,
    schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
    /// A message that has only been looked at.
    ahead: Option<Message>,
    /// Why there are no more messages. That they have been looked at in vain must not make them fewer.
    broken: Option<String>,
    columns: Vec<usize>,
    /// Rows that have been decoded and not yet been handed on.
    rest: Option<RecordBatch>,
}

impl Batches {
    /// The rows of a stream, whose first message is its schema.
    pub(super) fn of_stream(mut messages: Messages, size: u64) -> Result<Self, String> {
        let first = messages.next()?.ok_or("it is empty")?;
        let schema = first.head()?.header_as_schema().ok_or("it does not begin with a schema")?;
        let schema = try_fb_to_schema(schema).map_err(in_words)?;
        Ok(Self::new(messages, schema, size))
    }

    /// The rows of messages with this schema.
    pub(super) fn new(messages: Messages, schema: Schema, size: u64) -> Self {
        let (schema, dictionaries, columns) = (Arc::new(schema), HashMap::new(), Vec::new());
        Self { messages, size, read: 0, schema, dictionaries, ahead: None, broken: None, columns, rest: None }
    }

    /// Goes on to the next message with rows, and reads the dictionaries before it.
    fn advance(&mut self) -> Result<Option<Message>, String> {
        if let Some(message) = self.ahead.take() {
            return Ok(Some(message));
        }
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        // Until it has gone well: the decoder may panic.
        self.broken = Some("it contradicts itself".to_owned());
        let message = self.go_on();
        self.broken = message.as_ref().err().cloned();
        message
    }

    fn go_on(&mut self) -> Result<Option<Message>, String> {
        while let Some(message) = self.messages.next()? {
            self.read += message.body.len() as u64;
            message.check_room()?;
            let head = message.head()?;
            match head.header_type() {
                MessageHeader::RecordBatch => return Ok(Some(message)),
                MessageHeader::DictionaryBatch => {
                    let dictionary = head.header_as_dictionary_batch().ok_or("a dictionary is missing")?;
                    let (version, body) = (head.version(), message.body.clone());
                    read_dictionary(&body, dictionary, &self.schema, &mut self.dictionaries, &version)
                        .map_err(in_words)?;
                }
                MessageHeader::Schema => return Err("a second schema".to_owned()),
                _ => {}
            }
        }
        Ok(None)
    }

    fn decode(&self, message: &Message, columns: &[usize]) -> Result<RecordBatch, String> {
        let head = message.head()?;
        let batch = head.header_as_record_batch().ok_or("rows are missing")?;
        let version = head.version();
        let decoder =
            RecordBatchDecoder::try_new(&message.body, batch, Arc::clone(&self.schema), &self.dictionaries, &version);
        decoder.and_then(|decoder| decoder.with_projection(Some(columns)).read_record_batch()).map_err(in_words)
    }
}

impl Piece for Batches {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn pandas(&self) -> Option<&str> {
        self.schema.metadata().get(pandas::KEY).map(String::as_str)
    }

    fn peek(&mut self, columns: &[usize]) -> Result<Option<RecordBatch>, String> {
        self.ahead = self.advance()?;
        let Some(message) = &self.ahead else { return Ok(None) };
        let batch = self.decode(message, columns)?;
        Ok(Some(batch.slice(0, batch.num_rows().min(PEEK))))
    }

    fn start(&mut self, columns: &[usize]) -> Result<(), String> {
        columns.clone_into(&mut self.columns);
        Ok(())
    }

    fn next(&mut self) -> Result<Option<RecordBatch>, String> {
        let batch = match self.rest.take() {
            Some(batch) => batch,
            None => match self.advance()? {
                Some(message) => self.decode(&message, &self.columns)?,
                None => return Ok(None),
            },
        };
        let rows = rows_at_once(self.columns.len()).min(batch.num_rows());
        if rows < batch.num_rows() {
            self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        Ok(Some(batch.slice(0, rows)))
    }

    fn share(&self) -> f64 {
        (self.read as f64 / self.size.max(1) as f64).min(1.0)
    }
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` has it
fn in_words(error: ArrowError) -> String {
    error.to_string()
}
