//! The objects that a document is made of, as text, a line for each.

use std::collections::HashMap;

/// Objects, one after the other, and the present one.
#[derive(Debug, Default)]
pub(in super::super) struct Made {
    text: Vec<u8>,
    /// The present object is `text[start..end]`.
    start: usize,
    end: usize,
    /// Members that are known to be counters, or to be none.
    counters: HashMap<String, bool>,
    /// What is to be said of the document.
    note: Option<&'static str>,
}

impl Made {
    /// Forgets all objects.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        (self.start, self.end) = (0, 0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Goes on to the next object. False if there is none.
    #[inline]
    pub(in super::super) fn advance(&mut self) -> bool {
        self.start = self.end;
        let rest = self.text.get(self.start..).unwrap_or_default();
        match memchr::memchr(b'\n', rest) {
            Some(at) => {
                self.end += at + 1;
                true
            }
            None => false,
        }
    }

    /// The present object.
    pub(in super::super) fn current(&self) -> &[u8] {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    /// The members that are known to be counters, or to be none.
    pub(in super::super) fn counters(&self) -> &HashMap<String, bool> {
        &self.counters
    }

    /// Begins an object with this member for the time, as JSON.
    pub(super) fn begin(&mut self, name: &str, time: Option<&str>) {
        self.text.push(b'{');
        if let Some(time) = time {
            self.member(name, time);
        }
    }

    /// Adds a member with this value, as JSON.
    pub(super) fn member(&mut self, name: &str, value: &str) {
        if self.text.last() != Some(&b'{') {
            self.text.push(b',');
        }
        // Writing text to memory cannot fail.
        let _ = serde_json::to_writer(&mut self.text, name);
        self.text.push(b':');
        // The text of a document may go over lines, between its tokens alone.
        self.text.extend(value.bytes().map(|byte| if byte == b'\n' || byte == b'\r' { b' ' } else { byte }));
    }

    /// Ends the object that was begun.
    pub(super) fn end(&mut self) {
        self.text.extend_from_slice(b"}\n");
    }

    /// Says this of the document.
    pub(super) fn set_note(&mut self, note: &'static str) {
        self.note = Some(note);
    }

    /// What is to be said of the document, once.
    pub(in super::super) fn take_note(&mut self) -> Option<&'static str> {
        self.note.take()
    }

    /// Records whether a member is a counter.
    pub(super) fn set_counter(&mut self, name: &str, is_counter: bool) {
        if self.counters.get(name) != Some(&is_counter) {
            self.counters.insert(name.to_owned(), is_counter);
        }
    }
}
