//! What belongs to a program that is installed: completions, manual pages, the version. `.ci/installed` hands the same to real
//! shells and readers of pages.

use crate::support::{evenkeel, stderr, stdout};
use std::fs;
use std::process::{Command, Stdio};

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// The commands by their names, as the help lists them.
fn commands() -> Vec<String> {
    let help = stdout(&evenkeel(&["--help"]).assert().success());
    let list = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_shell_completes_every_command() {
    let commands = commands();
    assert!(commands.len() >= 9 && commands.iter().any(|name| name == "pipe"), "{commands:?}");
    for shell in SHELLS {
        let assert = evenkeel(&["completions", shell]).assert().success().stderr("");
        let script = stdout(&assert);
        for name in &commands {
            assert!(script.contains(name.as_str()), "no {name} for {shell}");
        }
        assert!(script.contains("half-life"), "no options for {shell}");
        assert!(!script.contains('\r'), "{shell}");
    }
}

#[test]
fn bash_reads_the_script_and_completes() {
    let run = |script: &str, args: &[&str]| {
        let mut bash = Command::new("bash");
        bash.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let Ok(mut child) = bash.spawn() else { return None };
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), script.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        Some(String::from_utf8(output.stdout).unwrap())
    };
    let script = stdout(&evenkeel(&["completions", "bash"]).assert().success());
    if run(&script, &["--norc", "-n"]).is_none() {
        return; // a machine without it
    }
    // `compopt` works only while a person is completing.
    let complete = |words: &[&str]| {
        let (last, before) = (words.last().unwrap(), words[words.len() - 2]);
        let asked = format!(
            "{script}\ncompopt() {{ :; }}\nCOMP_WORDS=({}) COMP_CWORD={}\n_evenkeel evenkeel '{last}' '{before}'\necho \"${{COMPREPLY[@]}}\"\n",
            words.join(" "),
            words.len() - 1,
        );
        run(&asked, &["--norc"]).unwrap().trim_end().to_owned()
    };
    assert_eq!(complete(&["evenkeel", "tra"]), "track");
    assert_eq!(complete(&["evenkeel", "track", "--half"]), "--half-life");
    assert_eq!(complete(&["evenkeel", "track", "--preset", "ro"]), "robust");
    assert_eq!(complete(&["evenkeel", "man", "pi"]), "pipe");
    let files = complete(&["evenkeel", "track", "--plot", "''"]);
    assert!(files.contains("Cargo.toml"), "{files}");
    assert_eq!(complete(&["evenkeel", "track", "--span", "''"]), "", "a number, and no file");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    // The script of zsh is longer than what a pipe holds on some systems, and the reader does not read at all.
    let mut child = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn every_command_has_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("share/man/man1");
    evenkeel(&["man", "--output"]).arg(&pages).assert().success().stdout("").stderr("");
    let mut names: Vec<_> = commands().into_iter().filter(|name| name != "help").collect();
    for name in &names {
        let page = fs::read_to_string(pages.join(format!("evenkeel-{name}.1"))).unwrap();
        assert_eq!(page, stdout(&evenkeel(&["man", name]).assert().success()), "{name}");
        assert!(page.contains(&format!("\n.SH NAME\nevenkeel\\-{name} \\- ")), "{name}: {page}");
    }
    let page = fs::read_to_string(pages.join("evenkeel.1")).unwrap();
    assert_eq!(page, stdout(&evenkeel(&["man"]).assert().success()));
    names.push(String::new());
    assert_eq!(fs::read_dir(&pages).unwrap().count(), names.len());

    // The date is empty, so that the version does not stand in its place.
    let head = page.lines().find(|line| line.starts_with(".TH ")).unwrap();
    assert_eq!(head, format!(".TH EVENKEEL 1 \"\" \"evenkeel {}\" \"User Commands\"", env!("CARGO_PKG_VERSION")));
    assert!(page.contains("\n.SH EXAMPLES\n.TP\n\\fBevenkeel track metrics.csv > tracked.csv\\fR\n"), "{page}");
    assert!(page.contains("\n.SH \"EXIT CODES\"\n.TP\n\\fB0\\fR\nThe whole input was processed"), "{page}");
    // Pages are the same wherever they are made: the instruction sets of a processor are not in them.
    assert!(!page.contains("instruction set"), "{page}");
}

#[test]
fn a_page_of_what_is_no_command() {
    let assert = evenkeel(&["man", "wach"]).assert().code(2).stdout("");
    assert!(stderr(&assert).contains("a similar value exists: 'watch'"), "{}", stderr(&assert));
    evenkeel(&["man", "track", "--output", "pages"]).assert().code(2).stdout("");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let assert = evenkeel(&["man", "--output"]).arg(folder.path().join("file")).assert().code(1).stdout("");
    assert!(stderr(&assert).contains("cannot create"), "{}", stderr(&assert));
}

#[test]
fn the_long_version_names_the_features_and_the_instruction_sets() {
    let version = env!("CARGO_PKG_VERSION");
    evenkeel(&["-V"]).assert().success().stdout(format!("evenkeel {version}\n")).stderr("");
    let long = stdout(&evenkeel(&["--version"]).assert().success().stderr(""));
    let lines: Vec<_> = long.lines().collect();
    let [parquet, nats] = [cfg!(feature = "parquet"), cfg!(feature = "nats")].map(|is| if is { '+' } else { '-' });
    assert_eq!(lines[..2], [format!("evenkeel {version}"), format!("features: {parquet}parquet {nats}nats")]);
    let sets = lines[2].strip_prefix("instruction sets, the first in use: ").unwrap();
    assert_eq!(sets.split(", ").count(), evenkeel::Backend::available().count(), "{sets}");
    assert!(sets.ends_with(&format!("the baseline of {}", std::env::consts::ARCH)), "{sets}");
    assert_eq!(lines.len(), 3, "{long}");
}
