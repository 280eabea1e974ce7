//! The files in `packaging/`: what they run is a command line that works.

use crate::support::evenkeel;
use std::fs;

fn packaging(name: &str) -> String {
    fs::read_to_string(format!("{}/packaging/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_command_in_the_configuration_of_telegraf_follows_and_keeps_state() {
    let text = packaging("telegraf.conf");
    let command = text.split_once("command = [").unwrap().1.split_once(']').unwrap().0;
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("evenkeel.state");
    let mut words: Vec<_> = command.split(',').map(|word| word.trim().trim_matches('"')).collect();
    assert_eq!((words.remove(0), words.pop()), ("evenkeel", Some("")));
    let place = words.iter().position(|word| *word == "/var/lib/telegraf/evenkeel.state").unwrap();
    words[place] = state.to_str().unwrap();
    for outcome in [",usage_location=42.5,", ",usage_location=4"] {
        let assert = evenkeel(&words).write_stdin("cpu,host=a usage=42.5 1700000000000000000\n").assert().success();
        assert!(String::from_utf8_lossy(&assert.get_output().stdout).contains(outcome), "{assert}");
        assert!(state.is_file());
    }
}

/// As systemd does it: the named pipes are opened for both directions and stay open, so that nobody reads an end.
#[cfg(unix)]
#[test]
fn the_command_of_the_service_works_between_named_pipes_and_goes_on_after_a_restart() {
    use std::fs::{File, OpenOptions};
    use std::io::{BufRead, BufReader, Write};
    use std::process::Command;

    let text = packaging("evenkeel.service");
    let line = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("evenkeel")).unwrap();
    let line = line.replace("%S", folder.path().to_str().unwrap());
    let words: Vec<_> = line.split(' ').collect();
    assert_eq!(words[..2], ["/usr/bin/evenkeel", "pipe"]);

    let open = |name: &str| -> File {
        let path = folder.path().join(name);
        if !path.exists() {
            assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        }
        OpenOptions::new().read(true).write(true).open(path).unwrap()
    };
    let (input, output) = (open("in"), open("out"));
    let mut answers = BufReader::new(open("out")).lines();
    for run in 0..2_u8 {
        // Whoever writes comes and goes, before the service has started, too.
        writeln!(open("in"), "cpu,host=a usage=4{run}.5 170000000{run}000000000").unwrap();
        let mut service = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
            .args(&words[1..])
            .stdin(input.try_clone().unwrap())
            .stdout(output.try_clone().unwrap())
            .spawn()
            .unwrap();
        let answer = answers.next().unwrap().unwrap();
        // The second time the first sample is known.
        let expected = format!("cpu,host=a usage=4{run}.5,usage_location=40.5,usage_scale=");
        let is_expected = answer.starts_with(&expected);
        assert!(Command::new("kill").args(["-s", "TERM", &service.id().to_string()]).status().unwrap().success());
        assert!(service.wait().unwrap().success() && is_expected, "{answer}");
        assert!(folder.path().join("evenkeel/pipe.state").is_file());
    }
}
