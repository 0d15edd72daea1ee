//! The picture of the house is a tested fact: rooms use only what the table allows.

use std::fs;
use std::path::{Path, PathBuf};

/// Each room with its floor and the rooms of its own floor it may use. Lower floors are open to all.
const ROOMS: [(&str, u8, &[&str]); 28] = [
    ("codes", 0, &[]),
    ("domain", 0, &["codes"]),
    ("content", 0, &[]),
    ("events", 0, &["codes", "domain"]),
    ("statistics", 0, &[]),
    ("data", 1, &[]),
    ("features", 1, &["data"]),
    ("models", 1, &["features"]),
    ("train", 1, &["models", "features", "data"]),
    ("scoring", 1, &[]),
    ("gates", 1, &["scoring"]),
    ("bundle", 1, &["data", "features", "models", "scoring"]),
    ("export", 1, &["bundle", "data", "features", "models"]),
    ("monitor", 1, &["data", "features", "scoring"]),
    ("tune", 1, &["scoring"]),
    ("schedule", 1, &[]),
    ("bucket", 2, &[]),
    ("notify", 2, &[]),
    ("tracking", 2, &["bucket"]),
    ("registry", 2, &["bucket"]),
    ("observe", 2, &["tracking"]),
    ("report", 2, &["observe"]),
    ("cache", 3, &[]),
    ("config", 3, &["cache"]),
    ("pipeline", 3, &["config", "cache"]),
    ("engine", 3, &["pipeline", "config", "cache"]),
    ("settings", 4, &[]),
    ("cli", 4, &["settings"]),
];

/// Words that mean network, clock, environment or printing: not for floors 0 and 1.
const OUTSIDE: [&str; 11] = [
    "tokio",
    "reqwest",
    "object_store",
    "std::env",
    "SystemTime",
    "Instant::now",
    "println!",
    "std::net",
    "std::process",
    "Timestamp::now",
    "{env",
];

fn room(name: &str) -> (u8, &'static [&'static str]) {
    let (_, floor, beside) = ROOMS
        .iter()
        .find(|room| room.0 == name)
        .unwrap_or_else(|| panic!("unknown room `{name}`"));
    (*floor, beside)
}

pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The folders that hold the sources of the program: `src`, and that of each crate.
pub(crate) fn source_folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src")];
    for entry in fs::read_dir(root.join("crates")).unwrap() {
        folders.push(entry.unwrap().path().join("src"));
    }
    folders.sort();
    folders
}

/// The folder of a room.
fn folder_of(name: &str) -> PathBuf {
    let folders: Vec<_> = source_folders()
        .iter()
        .map(|folder| folder.join(name))
        .filter(|room| room.is_dir())
        .collect();
    let [folder] = &folders[..] else {
        panic!("the room `{name}` is in {folders:?}, not in one folder")
    };
    folder.clone()
}

/// What a path into a room begins with: the own crate, or one of ours.
const CRATES: [&str; 7] = [
    "crate",
    "pdm_core",
    "pdm_models",
    "pdm_report",
    "pdm_store",
    "pdm_tracking",
    "pdm_engine",
];

/// Every room named after `crate::` or `pdm_core::` in a file, in `use` lines, grouped uses and paths alike.
fn used_rooms(text: &str) -> Vec<String> {
    CRATES
        .iter()
        .flat_map(|name| rooms_after(text, &format!("{name}::")))
        .collect()
}

fn rooms_after(text: &str, prefix: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for after in text.split(prefix).skip(1) {
        match after.strip_prefix('{') {
            Some(group) => rooms.extend(grouped(group)),
            None => rooms.push(word(after)),
        }
    }
    rooms
}

fn grouped(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut names = vec![word(group.trim_start())];
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(word(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

pub(crate) fn is_test(file: &Path) -> bool {
    file.ends_with("tests.rs") || file.components().any(|part| part.as_os_str() == "tests")
}

fn complaints(name: &str, file: &Path, text: &str) -> Vec<String> {
    let (floor, beside) = room(name);
    let mut complaints = Vec::new();
    for used in used_rooms(text) {
        if used == name || !ROOMS.iter().any(|room| room.0 == used) {
            continue;
        }
        let (other, _) = room(&used);
        if other > floor || (other == floor && !beside.contains(&used.as_str())) {
            complaints.push(format!(
                "{}: `{name}` may not use `{used}` (floor {other})",
                file.display()
            ));
        }
    }
    complaints
}

#[test]
fn every_room_uses_only_what_the_table_allows() {
    let mut all = Vec::new();
    for (name, _, _) in ROOMS {
        for file in sources(&folder_of(name)) {
            all.extend(complaints(name, &file, &fs::read_to_string(&file).unwrap()));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn every_folder_is_a_room() {
    for folder in source_folders() {
        for entry in fs::read_dir(folder)
            .unwrap()
            .map(Result::unwrap)
            .filter(|entry| entry.path().is_dir())
        {
            room(entry.file_name().to_str().unwrap());
        }
    }
}

#[test]
fn every_crate_is_known_by_name() {
    let mut crates: Vec<_> = CRATES[1..]
        .iter()
        .map(|name| name.replace('_', "-"))
        .collect();
    crates.sort();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let folders = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut folders: Vec<_> = folders.collect();
    folders.sort();
    assert_eq!(crates, folders);
}

#[test]
fn the_workshops_know_no_network_clock_or_environment() {
    let mut all = Vec::new();
    for (name, _, _) in ROOMS.iter().filter(|room| room.1 <= 1) {
        for file in sources(&folder_of(name))
            .iter()
            .filter(|file| !is_test(file))
        {
            let text = fs::read_to_string(file).unwrap();
            let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            all.extend(
                OUTSIDE
                    .iter()
                    .filter(|w| product.contains(**w))
                    .map(|w| format!("{}: {w}", file.display())),
            );
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn the_test_itself_sees_a_forbidden_use() {
    let text = "use crate::{content::Digest, registry::{log, Store}, domain};\nfn f() { crate::cli::run() }";
    assert_eq!(used_rooms(text), ["content", "registry", "domain", "cli"]);
    assert_eq!(
        used_rooms("use pdm_store::{bucket, registry::Store};"),
        ["bucket", "registry"]
    );
    let found = complaints("features", Path::new("x.rs"), text);
    assert_eq!(
        found,
        [
            "x.rs: `features` may not use `registry` (floor 2)",
            "x.rs: `features` may not use `cli` (floor 4)"
        ]
    );
}
