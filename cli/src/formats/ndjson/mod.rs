//! NDJSON: an object per line, by the rules of a CSV with members for columns; and objects that come otherwise: over several lines,
//! in an array, in a document.
//!
//! | file | what it does |
//! |---|---|
//! | `pieces.rs`, `walk.rs`, `scan.rs` | the input in pieces of one object each |
//! | `members.rs`, `bare.rs` | an object to its members |
//! | `objects.rs`, `texts.rs`, `labels.rs` | what objects have shown so far: which members have which role |
//! | `record.rs` | an object as a record |
//! | `documents/` | documents of a known kind, made into such objects |
//! | `survey.rs` | where there are objects in a document of no such kind |

mod bare;
mod documents;
mod labels;
mod members;
mod objects;
mod pieces;
mod record;
mod scan;
mod survey;
mod texts;
mod walk;

use super::influx::Influx;
use super::lines::Lines;
use super::reader::{Client, Input, Next, Reader, Roles, Use};
use crate::failure::Failure;
use documents::{Kind, Made};
use members::Members;
use objects::Objects;
use pieces::{Pieces, Step};
use record::Object;

/// The reader of NDJSON.
pub(crate) struct Ndjson {
    lines: Lines,
    pieces: Pieces,
    objects: Objects,
    /// What the input is, as its first object shows.
    kind: Option<Kind>,
    /// The objects that a document of a known kind is made of.
    made: Made,
    passes_on: bool,
    /// The place of the records, where the command line names it.
    records: Option<String>,
    /// The name of the input in messages.
    name: String,
    /// Room for an object without bare words, and for the members that it inherits.
    room: Vec<u8>,
    inherited: Vec<u8>,
}

/// The outcome of going on to the next object.
enum Found {
    /// It is what is current in the lines.
    Piece,
    /// It is what is current among those that are made.
    Made,
    Blank,
    Broken(String),
    End,
}

impl Ndjson {
    fn step(&mut self, client: &mut impl Client) -> Result<Found, Failure> {
        loop {
            if self.made.advance() {
                return Ok(Found::Made);
            }
            let step = self.pieces.step(&mut self.lines, &mut |need| client.before_read(need))?;
            match step {
                Step::Piece => {}
                Step::Blank => return Ok(Found::Blank),
                Step::Comment => {
                    client.console().note("lines above the first object that begin with # are passed over as comments");
                    return Ok(Found::Blank);
                }
                Step::Broken(why) => return Ok(Found::Broken(why)),
                Step::Cell if self.kind.is_none() => return Err(self.no_names()),
                Step::Cell => return Ok(Found::Broken("expected a JSON object".to_owned())),
                Step::NoLines => return Err(no_lines()),
                Step::End => {
                    self.objects.note_at_end(client.console());
                    return Ok(Found::End);
                }
            }
            let kind = match self.kind {
                Some(kind) => kind,
                None => self.find_kind(client)?,
            };
            if kind == Kind::Plain {
                return Ok(Found::Piece);
            }
            if let Err(why) = kind.make(self.lines.raw(), &mut self.made) {
                return Ok(Found::Broken(why));
            }
            if let Some(note) = self.made.take_note() {
                client.console().note(note);
            }
        }
    }

    /// Finds out what the input is by its first object.
    #[cold]
    fn find_kind(&mut self, client: &mut impl Client) -> Result<Kind, Failure> {
        let Ok(members) = Members::parse(self.lines.raw(), &mut self.room) else { return Ok(Kind::Plain) };
        let kind = Kind::of(&members);
        self.kind = Some(kind);
        match kind {
            Kind::Plain if self.passes_on || self.records.is_some() => {}
            Kind::Plain => {
                let paths = survey::arrays(self.lines.raw());
                let is_alone = !paths.is_empty() && self.lines.peek(&mut |need| client.before_read(need))?.is_none();
                if is_alone {
                    let name = &self.name;
                    return Err(Failure::usage(format!(
                        "{name} is one JSON document: choose the records in it with {}; or read it as one record with --records .",
                        survey::list(&paths)
                    )));
                }
                if !paths.is_empty() {
                    let places = survey::list(&paths);
                    client
                        .console()
                        .note(format_args!("what is in arrays within the objects is not followed, but with {places}"));
                }
            }
            _ if self.passes_on => {
                return Err(Failure::usage(format!(
                    "{} has no records that numbers could be added to: `evenkeel track` reads it",
                    kind.name()
                )));
            }
            _ if !self.objects.columns.wanted.series.is_empty() => {
                return Err(Failure::usage(format!(
                    "--series has no meaning for {}: its labels name the series",
                    kind.name()
                )));
            }
            _ => {}
        }
        Ok(kind)
    }

    /// The failure of rows that are arrays, whose columns have no names.
    fn no_names(&self) -> Failure {
        let name = &self.name;
        let place = self.records.as_deref().unwrap_or_default().trim_matches('.');
        Failure::usage(format!(
            "{name}: its rows are arrays, and their columns have no names: make CSV of them, `jq -r '.{place}[] | @csv' IN | evenkeel track - \
             --header a,b,c`"
        ))
    }
}

/// The failure of what is passed on and is no object a line.
fn no_lines() -> Failure {
    Failure::usage(
        "`pipe` reads one JSON object per line: `jq -c '.[]'` makes them of an array, and `jq -c .` of objects over several lines",
    )
}

impl Reader for Ndjson {
    type Record<'a> = Object<'a>;

    const ENDINGS: &'static [&'static str] = &["ndjson", "jsonl", "json"];
    const USES: &'static [Use] = &[Use::Columns, Use::TimeForm, Use::Missing, Use::Records];

    /// The name of a point may begin with a brace, too, and that of a column with a bracket.
    fn looks_like(first: &[u8]) -> bool {
        let text = first.trim_ascii();
        if let Some(rest) = text.strip_prefix(b"[") {
            return matches!(rest.trim_ascii_start().first(), None | Some(b'{' | b'[' | b']'));
        }
        let is_object = || Members::parse(text, &mut Vec::new()).is_ok();
        text.starts_with(b"{") && (is_object() || !Influx::is_point(first, true))
    }

    fn open(input: Input) -> Result<Self, Failure> {
        let Input { lines, name, options, roles, .. } = input;
        let passes_on = roles != Roles::Learn;
        let records = options.records.clone();
        if passes_on && records.is_some() {
            return Err(no_lines());
        }
        let pieces = Pieces::new(records.as_deref(), passes_on);
        Ok(Self {
            lines,
            pieces,
            objects: Objects::new(name.clone(), options, roles),
            kind: None,
            made: Made::default(),
            passes_on,
            records,
            name,
            room: Vec::new(),
            inherited: Vec::new(),
        })
    }

    fn next(&mut self, client: &mut impl Client) -> Result<Next<'_, Object<'_>>, Failure> {
        self.objects.announce(client);
        let found = self.step(client)?;
        let Self { lines, pieces, objects, made, room, inherited, .. } = self;
        let span = lines.span();
        let text = match found {
            Found::Piece => lines.current(),
            Found::Made => made.current(),
            Found::Blank => return Ok(Next::Blank(span)),
            Found::Broken(why) => return Ok(Next::Broken(span, why)),
            Found::End => return Ok(Next::End),
        };
        let mut members = match Members::parse(text, room) {
            Ok(members) => members,
            Err(why) => return Ok(Next::Broken(span, why)),
        };
        if let Some((_, others)) = pieces.inherited().split_last() {
            inherited.clear();
            inherited.push(b'{');
            inherited.extend_from_slice(others);
            inherited.push(b'}');
            members.inherit(inherited);
        }
        objects.look(&members, client)?;
        let columns = &objects.columns;
        let time = columns.time.as_deref().and_then(|name| members.get(name));
        let is_beside = columns.is_list() && columns.wanted.values.iter().all(|name| members.get(name).is_none());
        Ok(Next::Record(Object { members, columns, time, lines: span, is_beside, counters: made.counters() }))
    }

    fn check_end(&self, rows: u64) -> Result<(), Failure> {
        self.objects.check_end(rows)
    }
}
