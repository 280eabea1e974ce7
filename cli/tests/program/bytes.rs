//! What is compressed, in another encoding or with other ends of lines is read as if it were not.

use crate::support::{count, pipe, samples, stderr, track};
use std::io::Write;

/// UTF-16, with the bytes of each unit in this order.
fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[cfg(feature = "compression")]
mod compressed {
    use super::*;
    use crate::support::{evenkeel, file, lines, stdout};
    use assert_cmd::assert::Assert;
    use predicates::str::contains;
    use std::path::Path;
    use std::process::{Command, Stdio};

    fn run(path: &Path) -> Assert {
        evenkeel(&["track", path.to_str().unwrap()]).assert()
    }

    /// What a public tool makes of this; nothing where there is no such tool.
    fn compressed(tool: &str, text: &[u8]) -> Option<Vec<u8>> {
        let mut words = tool.split(' ');
        let mut command = Command::new(words.next().unwrap());
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let (mut input, text) = (child.stdin.take().unwrap(), text.to_vec());
        let writer = std::thread::spawn(move || input.write_all(&text));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        Some(output.stdout)
    }

    /// The tools that write what is unpacked, and how their files end.
    const TOOLS: [(&str, &str); 4] = [("gzip -c", "gz"), ("zstd -qc", "zst"), ("bzip2 -c", "bz2"), ("xz -c", "xz")];

    #[test]
    fn files_and_pipes_are_unpacked() {
        let table = format!("t,a\n{}", lines(0..3000, |row| format!("T{row},{}", row * 37 % 101)));
        let (head, tail) = table.split_at(table.len() / 2);
        let plain = stdout(&track(table.clone(), &[]).success());
        for (tool, ending) in TOOLS {
            let Some(whole) = compressed(tool, table.as_bytes()) else { continue };
            assert_eq!(stdout(&track(whole.clone(), &[]).success()), plain, "{tool}");
            // Members, frames and streams that follow one another, as `cat` joins them.
            let parts = [head, tail].map(|part| compressed(tool, part.as_bytes()).unwrap()).concat();
            let (_directory, path) = file(&format!("x.csv.{ending}"), &parts);
            assert_eq!(stdout(&run(&path).success()), plain, "{tool} in parts");
        }
    }

    #[test]
    fn the_name_within_the_name_promises_the_format() {
        let points = "m a=1 1\nm a=2 2\n";
        let Some(gzip) = compressed("gzip -c", points.as_bytes()) else { return };
        for (name, code) in [("x.lp.gz", 0), ("x.gz", 0), ("x.csv.gz", 2), ("x.csv", 0)] {
            let (_directory, path) = file(name, &gzip);
            run(&path).code(code);
        }
        let (_directory, path) = file("x.parquet.gz", &gzip);
        run(&path).code(2).stderr(contains("unpack it to a file"));
    }

    #[test]
    fn what_is_cut_off_is_an_error_wherever_it_is() {
        let table = format!("t,a\n{}", lines(0..40, |row| format!("T{row},{}", row * 37 % 101)));
        for (tool, ending) in TOOLS {
            let Some(whole) = compressed(tool, table.as_bytes()) else { continue };
            for length in [20, whole.len() / 2, whole.len() - 9, whole.len() - 4, whole.len() - 1] {
                let (_directory, path) = file(&format!("x.csv.{ending}"), &whole[..length]);
                let said = stderr(&run(&path).code(2));
                assert!(
                    said.contains(&format!("x.csv.{ending}: the ")) && said.contains("too early"),
                    "{length} {said}"
                );
            }
            let mut broken = whole.clone();
            let middle = broken.len() / 2;
            broken[middle] ^= 0x55;
            broken[middle + 1] ^= 0x55;
            let said = stderr(&track(broken, &[]).code(2));
            assert!(said.contains("standard input: the "), "{tool} {said}");
        }
    }

    #[test]
    fn a_window_that_would_fill_the_memory_is_refused() {
        let table = format!("t,a\n{}", "T,1\n".repeat(100));
        for tool in ["zstd -qc --ultra --long=30", "xz -c --lzma2=dict=512MiB"] {
            let Some(whole) = compressed(tool, table.as_bytes()).filter(|bytes| !bytes.is_empty()) else { continue };
            track(whole, &[]).code(2).stderr(contains("128 MiB"));
        }
    }

    #[test]
    fn a_few_bytes_that_become_many_do_not_fill_the_memory() {
        // One line that is longer than any line may be, in a thousandth of its size.
        let Some(bomb) = compressed("gzip -c", &vec![b'1'; 65 << 20]) else { return };
        let (_directory, path) = file("x.csv.gz", bomb);
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_evenkeel"));
        let output = command.arg("track").arg(path).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stderr).contains("line is too long"));
    }

    #[test]
    fn what_is_not_unpacked_is_named() {
        for (bytes, words) in [(&b"\x04\x22\x4D\x18\x64\x40"[..], "lz4cat"), (b"PK\x03\x04\x14\0\0\0", "unzip -p")] {
            track(bytes, &[]).code(2).stderr(contains(words));
        }
    }
}

#[cfg(not(feature = "compression"))]
#[test]
fn what_is_compressed_is_refused_and_the_feature_named() {
    let said = stderr(&track(&b"\x1F\x8B\x08\0\0\0\0\0\0\x03"[..], &[]).code(2));
    assert!(said.contains("feature `compression`") && said.contains("zcat"), "{said}");
}

#[test]
fn a_pipe_passes_nothing_on_that_it_cannot_read() {
    for (head, words) in [
        (&b"\x1F\x8B\x08\0\0\0\0\0\0\x03"[..], "zcat"),
        (b"\xFD7zXZ\0\0\x04", "xzcat"),
        (b"\xFF\xFEm\0 \0a\0=\x001\0\n\0", "iconv"),
        (b"m\0 \0a\0=\x001\0\n\0", "iconv"),
    ] {
        let run = pipe(head, &[]).code(2).stdout("");
        assert!(stderr(&run).contains(words), "{words} {}", stderr(&run));
    }
}

#[test]
fn utf16_is_read_with_a_mark_and_without() {
    let text = "t,größe,\u{416}\nT1,1,2\nT2,3,4\n";
    let expected = ["T1 größe 1", "T1 \u{416} 2", "T2 größe 3", "T2 \u{416} 4"];
    for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let marked = track(utf16(&format!("\u{feff}{text}"), bytes), &[]).success();
        assert_eq!(samples(&marked), expected);
        assert!(!stderr(&marked).contains("read as"), "{}", stderr(&marked));
        let bare = track(utf16(text, bytes), &[]).success();
        assert_eq!(samples(&bare), expected);
        assert!(stderr(&bare).contains("read as UTF-16"), "{}", stderr(&bare));
    }
    let objects = "{\"t\":\"T1\",\"größe\":1}\r\n{\"t\":\"T2\",\"größe\":2}\r\n";
    let run = track(utf16(&format!("\u{feff}{objects}"), u16::to_le_bytes), &["--output-format", "csv"]).success();
    assert_eq!(samples(&run), ["T1 größe 1", "T2 größe 2"]);
}

#[test]
fn what_is_not_utf8_is_windows_1252_or_what_the_option_says() {
    let table = b"t,gr\xF6\xDFe \x80\nT1,1\nT2,2\n";
    let run = track(&table[..], &[]).success();
    assert_eq!(samples(&run), ["T1 größe € 1", "T2 größe € 2"]);
    let said = stderr(&run);
    assert_eq!(said.matches("not UTF-8: read as Windows-1252; --encoding names another").count(), 1, "{said}");
    let run = track(&table[..], &["--encoding", "windows-1251"]).success();
    assert_eq!(samples(&run), ["T1 grцЯe Ђ 1", "T2 grцЯe Ђ 2"]);
    assert!(!stderr(&run).contains("read as"), "{}", stderr(&run));
    let run = track(utf16("t,a\nT1,1\n", u16::to_be_bytes), &["--encoding", "utf-16be"]).success();
    assert_eq!(samples(&run), ["T1 a 1"]);
    track("t,a\nT1,1\n", &["--encoding", "klingon"]).code(2).stderr(predicates::str::contains("expected an encoding"));
    // Where the option says UTF-8, what is none is bad.
    track(&table[..], &["--encoding", "utf-8"]).code(2);
}

#[test]
fn a_stray_byte_changes_nothing_of_what_is_utf8() {
    for text in [
        format!("t,größe\nT1,1\n{}T2,\0 3\n", "T2,2\n".repeat(9)).replace('\0', "\u{1}"),
        format!("t,a\n{}T2,\u{1} 3\n", "T2,2\n".repeat(20_000)),
    ] {
        let bytes: Vec<u8> = text.bytes().map(|byte| if byte == 1 { 0xE4 } else { byte }).collect();
        let run = track(bytes, &[]).success();
        assert_eq!(count(&run, "bad rows"), 1);
        assert!(stderr(&run).contains("the row is not UTF-8") && !stderr(&run).contains("Windows"), "{}", stderr(&run));
    }
}

#[test]
fn a_live_pipe_is_not_held_up_by_what_its_text_may_be() {
    use crate::pipes;
    let mut child = pipes::spawn(&["track", "-"]);
    let rows = pipes::lines(&mut child);
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"t,a\nT1,1\n").unwrap();
    pipes::next(&rows);
    assert!(pipes::next(&rows).starts_with("T1,a,1.0,"));
    // The first letter beyond ASCII comes late, and is still one of the beginning.
    for (row, time) in [(&b"M\xE4rz,2\n"[..], "März"), (b"M\xC3\xA4rz,3\n", "MÃ¤rz"), (b"T4,4\n", "T4")] {
        input.write_all(row).unwrap();
        assert!(pipes::next(&rows).starts_with(time), "{time}");
    }
    drop(input);
    let (code, said) = pipes::end(child);
    assert_eq!((code, said.matches("read as Windows-1252").count()), (Some(0), 1), "{said}");
}

#[test]
fn a_letter_that_comes_in_two_pieces_is_one() {
    use crate::pipes;
    let mut child = pipes::spawn(&["track", "-"]);
    let rows = pipes::lines(&mut child);
    let mut input = child.stdin.take().unwrap();
    for piece in [&b"t,a\nM\xC3"[..], b"\xA4rz,1\n", b"J\xC3\xA4nner,2\n"] {
        input.write_all(piece).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    drop(input);
    let times: Vec<String> = rows.iter().skip(1).map(|row| row.split(',').next().unwrap().to_owned()).collect();
    assert_eq!(times, ["März", "Jänner"]);
    assert!(!pipes::end(child).1.contains("read as"));
}

#[test]
fn lines_that_end_in_a_return_alone_are_lines() {
    for text in ["t,a\rT1,1\rT2,x\rT3,3\r", "t,a\rT1,1\rT2,x\rT3,3"] {
        let run = track(text, &[]).success();
        assert_eq!(samples(&run), ["T1 a 1", "T3 a 3"]);
        assert!(stderr(&run).contains("line 3: "), "{}", stderr(&run));
    }
    // One within a line that ends otherwise is a letter as any other.
    let run = track("t,a\n\"T\r1\",1\r\nT2,2\r\n", &[]).success();
    assert_eq!(samples(&run), ["T\r1 a 1", "T2 a 2"]);
}

#[test]
fn a_line_feed_that_comes_late_belongs_to_its_return() {
    use crate::pipes;
    let mut child = pipes::spawn(&["track", "-"]);
    let rows = pipes::lines(&mut child);
    let mut input = child.stdin.take().unwrap();
    for piece in [&b"t,a\r"[..], b"\nT1,1\r", b"\nx\r\nT3,3\r\n"] {
        input.write_all(piece).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    drop(input);
    assert_eq!(rows.iter().count(), 3);
    assert!(pipes::end(child).1.contains("line 3: "));
}
