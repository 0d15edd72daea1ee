//! Tests of the programs of `[[stage]]`: their inputs and their logs.

use std::fs;

use super::inputs::hash_input;
use super::program::tail;
use crate::cache::DigestCache;
use crate::engine::inputs::ExpectedFiles;
use pdm_core::content::Digest;

#[test]
fn an_input_is_all_the_files_it_means_and_those_that_will_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("raw/deep")).unwrap();
    fs::write(root.join("raw/a.csv"), "a").unwrap();
    fs::write(root.join("raw/deep/b.csv"), "b").unwrap();
    let none = ExpectedFiles::new();
    let digests = DigestCache::open(root.join("inputs.json"));
    let digest = |written: &str, expected: &ExpectedFiles| {
        hash_input(root, written, expected, &digests).map(|input| input.digest)
    };
    let of = |written: &str| digest(written, &none).unwrap();
    assert_eq!(of("raw/a.csv"), Digest::of("a"));
    assert_eq!(of("raw"), of("raw/**/*.csv"));
    assert_ne!(of("raw"), of("raw/*.csv"));
    let missing = digest("raw/*.txt", &none).unwrap_err();
    assert_eq!(missing.to_string(), "its input `raw/*.txt` does not exist");

    let soon = ExpectedFiles::from([(root.join("raw/deep/b.csv"), (Digest::of("b"), 1))]);
    let whole = of("raw");
    fs::remove_file(root.join("raw/deep/b.csv")).unwrap();
    assert_eq!(digest("raw", &soon).unwrap(), whole);
    assert_eq!(digest("raw/deep/b.csv", &soon).unwrap(), Digest::of("b"));
    assert_ne!(of("raw"), whole);
}

#[test]
fn the_end_of_a_log_is_quoted_without_control_characters() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.txt");
    assert_eq!(tail(&log), "");
    let lines: Vec<_> = (1..=40)
        .map(|n| format!("line {n} \u{1b}[31m{}", "x".repeat(200)))
        .collect();
    fs::write(&log, lines.join("\n")).unwrap();
    let end = tail(&log);
    assert_eq!(end.lines().count(), 12);
    assert!(
        end.starts_with("    line 29 [31m") && !end.contains('\u{1b}'),
        "{end}"
    );
}
