//! The floors of the program's house: no module of a lower floor names one of a higher, and no files name each other in a
//! circle.
//!
//! The modules are read from the source: every path that begins with `crate`, `super` or a child's name, in `use` or elsewhere,
//! is an arrow from the file that has it to the file that it leads to. Tests within a file are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The floors, from the ground up. A module names only modules of floors below its own, or its own.
const FLOORS: [&[&str]; 13] = [
    &["failure", "patient"],
    &["text"],
    &["machine", "samples", "settings"],
    &["console"],
    &["nats", "no_nats"],
    &["engine"],
    &["output"],
    &["formats"],
    &["input"],
    &["views"],
    &["commands"],
    &["cli"],
    &["lib", "probe"],
];

/// The path of a module, such as `["formats", "csv", "rows"]`.
type Module = Vec<String>;

/// Every module, with its file and what it names.
struct House {
    modules: BTreeMap<Module, PathBuf>,
    arrows: BTreeMap<Module, BTreeSet<Module>>,
}

impl House {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut modules = BTreeMap::new();
        collect(&root, &[], &mut modules);
        let mut arrows = BTreeMap::new();
        for (module, file) in &modules {
            let text = fs::read_to_string(file).unwrap();
            let named = paths(&code(&text)).into_iter().filter_map(|path| leads_to(&path, module, file, &modules));
            arrows.insert(module.clone(), named.filter(|named| named != module).collect());
        }
        Self { modules, arrows }
    }
}

/// All modules below a folder, by their files.
fn collect(folder: &Path, parent: &[String], modules: &mut BTreeMap<Module, PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let module = |name: String| parent.iter().cloned().chain([name]).collect::<Module>();
        if path.is_dir() {
            collect(&path, &module(stem), modules);
        } else if path.extension().is_some_and(|ending| ending == "rs") && stem != "main" {
            let own = if stem == "mod" { parent.to_vec() } else { module(stem) };
            modules.insert(own, path);
        }
    }
}

/// The code of a file without comments, texts and tests.
fn code(text: &str) -> String {
    let tests = ["#[cfg(test)]\nmod tests", "#[cfg(test)]\npub(super) mod tests"];
    let end = tests.iter().filter_map(|tests| text.find(tests)).min().unwrap_or(text.len());
    let line = |line: &str| line.split("//").next().unwrap_or_default().to_owned() + "\n";
    // To whom something is open is no arrow.
    text[..end].lines().map(line).collect::<String>().replace("pub(in ", "pub(in_")
}

/// Every path of two names or more, with the braces of `use` multiplied out.
fn paths(code: &str) -> Vec<Vec<String>> {
    let is_path = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | ':');
    let mut found = Vec::new();
    for (start, _) in code.match_indices("::") {
        // The first pair of colons of a path stands for all of it.
        let before = code[..start].trim_end_matches(|letter: char| letter.is_alphanumeric() || letter == '_');
        if before.ends_with("::") || before.len() == start {
            continue;
        }
        let rest = &code[before.len()..];
        let end = rest.find(|letter| !is_path(letter)).unwrap_or(rest.len());
        let stem: Vec<String> = rest[..end].split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        match rest[end..].strip_prefix('{').filter(|_| rest[..end].ends_with("::")) {
            Some(inner) => multiply(&stem, inner, &mut found),
            None => found.push(stem),
        }
    }
    found
}

/// The paths of what stands in braces behind a stem.
fn multiply(stem: &[String], inner: &str, found: &mut Vec<Vec<String>>) {
    let (mut depth, mut start) = (0, 0);
    for (at, letter) in inner.char_indices() {
        if matches!(letter, ',' | '}') && depth == 0 {
            let item = inner[start..at].trim();
            start = at + 1;
            let (path, nested) = item.split_once('{').map_or((item, None), |(path, nested)| (path, Some(nested)));
            let path = path.split(" as ").next().unwrap_or_default().trim();
            let names = path.split("::").filter(|name| !name.is_empty() && *name != "self").map(str::to_owned);
            let whole: Vec<String> = stem.iter().cloned().chain(names).collect();
            match nested {
                Some(nested) => multiply(&whole, nested, found),
                None => found.push(whole),
            }
            if letter == '}' {
                return;
            }
        }
        depth += i32::from(letter == '{') - i32::from(letter == '}');
    }
}

/// The module of the file that a path leads to, if it is one of the house.
fn leads_to(path: &[String], from: &Module, file: &Path, modules: &BTreeMap<Module, PathBuf>) -> Option<Module> {
    let mut at = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "super" => from.clone(),
        // A child of this module, or nothing of ours.
        child => {
            let parent = if file.ends_with("lib.rs") { &[][..] } else { from };
            let child: Module = parent.iter().cloned().chain([child.to_owned()]).collect();
            let is_folder = file.ends_with("mod.rs") || file.ends_with("lib.rs");
            return (is_folder && modules.contains_key(&child)).then(|| deepest(child, &path[1..], modules));
        }
    };
    let supers = path.iter().take_while(|name| *name == "super").count();
    at.truncate(at.len().saturating_sub(supers));
    let rest = &path[if supers > 0 { supers } else { 1 }..];
    Some(deepest(at, rest, modules))
}

fn deepest(mut at: Module, names: &[String], modules: &BTreeMap<Module, PathBuf>) -> Module {
    for name in names {
        at.push(name.clone());
        if !modules.contains_key(&at) {
            at.pop();
            break;
        }
    }
    if at.is_empty() { vec!["lib".to_owned()] } else { at }
}

fn floor(module: &Module) -> usize {
    let is_here = |floor: &&[&str]| floor.contains(&module[0].as_str());
    FLOORS.iter().position(is_here).unwrap_or_else(|| panic!("{} has no floor", module.join("::")))
}

#[test]
fn no_floor_names_a_higher_one() {
    let house = House::read();
    let mut wrong = Vec::new();
    for (from, named) in &house.arrows {
        for to in named {
            let is_sideways = floor(from) == floor(to) && from[0] != to[0];
            if floor(from) < floor(to) || is_sideways {
                wrong.push(format!("{} names {}", from.join("::"), to.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_command_names_another() {
    let house = House::read();
    let of = |module: &Module| (module[0] == "commands").then(|| module.get(1).cloned()).flatten();
    for (from, named) in &house.arrows {
        for to in named {
            if let (Some(one), Some(other)) = (of(from), of(to)) {
                assert_eq!(one, other, "{} names {}", from.join("::"), to.join("::"));
            }
        }
    }
}

#[test]
fn no_files_name_each_other_in_a_circle() {
    let house = House::read();
    // What names nothing that is left is taken away, until nothing can be.
    let mut left: BTreeMap<&Module, BTreeSet<&Module>> =
        house.arrows.iter().map(|(from, named)| (from, named.iter().collect())).collect();
    loop {
        let done: Vec<&Module> = left.iter().filter(|(_, named)| named.is_empty()).map(|(module, _)| *module).collect();
        if done.is_empty() {
            break;
        }
        left.retain(|module, _| !done.contains(module));
        for named in left.values_mut() {
            named.retain(|module| !done.contains(module));
        }
    }
    let circle: Vec<String> = left
        .iter()
        .map(|(from, named)| {
            let named: Vec<String> = named.iter().map(|module| module.join("::")).collect();
            format!("{} names {}", from.join("::"), named.join(", "))
        })
        .collect();
    assert!(circle.is_empty(), "{circle:#?}");
}

#[test]
fn the_house_is_read_as_it_stands() {
    let house = House::read();
    let module = |path: &str| path.split("::").map(str::to_owned).collect::<Module>();
    // A few arrows that are there for sure, of each kind of path.
    for (from, to) in [
        ("commands::track", "engine"),
        ("formats::csv", "formats::csv::rows"),
        ("formats::ndjson", "formats::reader"),
        ("cli", "commands::pipe"),
        ("lib", "cli"),
    ] {
        assert!(
            house.arrows[&module(from)].contains(&module(to)),
            "{from} names {to}: {:?}",
            house.arrows[&module(from)]
        );
    }
    assert!(house.modules.len() > 60);
    for name in FLOORS.concat() {
        assert!(name == "lib" || house.modules.keys().any(|module| module[0] == name), "{name} is gone");
    }
}
