//! The peers that live in Python, behind `peers.py`: a line to ask, a line to answer.
//!
//! The script reads the samples of a case from a file, so that they are the same, and takes its turns among the others.

use crate::contestant::Contestant;
use crate::peers::Field;
use std::cell::RefCell;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

/// A running `peers.py`.
pub(crate) struct Script {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Script {
    /// Starts the script with this interpreter, and gives the versions of what it found.
    pub(crate) fn start(python: &str) -> Result<(Self, String), Box<dyn Error>> {
        let mut command = Command::new(python);
        command.args(["-u", concat!(env!("CARGO_MANIFEST_DIR"), "/peers.py")]);
        // One thread each, as everybody else.
        let variables =
            ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS"];
        for variable in variables {
            command.env(variable, "1");
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut script = Self { child, questions, answers };
        let versions = script.answer()?;
        Ok((script, versions))
    }

    fn answer(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(0) => Err("peers.py ended; what it wrote on standard error says why".to_owned()),
            Ok(_) => Ok(line.trim_end().to_owned()),
            Err(error) => Err(format!("peers.py: {error}")),
        }
    }

    fn ask(&mut self, question: &str) -> Result<String, String> {
        let questions = self.questions.as_mut().ok_or("peers.py is no longer asked")?;
        writeln!(questions, "{question}").map_err(|error| format!("peers.py: {error}"))?;
        self.answer()
    }
}

impl Drop for Script {
    /// It ends when there are no more questions.
    fn drop(&mut self) {
        self.questions = None;
        let _ = self.child.wait();
    }
}

struct Entry {
    script: Rc<RefCell<Script>>,
    number: usize,
    name: String,
    robust: String,
    bytes: Option<usize>,
}

impl Contestant for Entry {
    fn name(&self) -> &str {
        &self.name
    }

    fn robust(&self) -> &str {
        &self.robust
    }

    fn bytes(&self) -> Option<usize> {
        self.bytes
    }

    fn turn(&mut self) -> Result<f64, String> {
        let answer = self.script.borrow_mut().ask(&format!("turn\t{}", self.number))?;
        answer.parse().map_err(|error| format!("{}: {answer}: {error}", self.name))
    }
}

/// A file that is gone when this is.
struct Handover(PathBuf);

impl Drop for Handover {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Everybody in Python who has an answer to a case, each held to a plain loop there.
pub(crate) fn enter(
    script: &Rc<RefCell<Script>>,
    case: &str,
    lane: &str,
    [rows, channels]: [usize; 2],
    samples: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<Field, Box<dyn Error>> {
    let file = Handover(std::env::temp_dir().join(format!("evenkeel-peers-{}.raw", std::process::id())));
    samples(&file.0)?;
    let question = format!("case\t{case}\t{lane}\t{rows}\t{channels}\t{}", file.0.display());
    let count: usize = script.borrow_mut().ask(&question)?.parse()?;
    let mut field = Field::new();
    for number in 0..count {
        let entry = script.borrow_mut().answer()?;
        let mut parts = entry.split('\t').map(str::to_owned);
        let mut part = || parts.next().ok_or("an entry has a name, a word on robustness and bytes");
        let (name, robust, bytes) = (part()?, part()?, part()?.parse().ok());
        field.push(Box::new(Entry { script: script.clone(), number, name, robust, bytes }));
    }
    Ok(field)
}
