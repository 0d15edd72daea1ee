//! The repository itself: what it says must be true of it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::project::Project;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn every_pipeline_in_the_repository_loads() {
    let pipelines = fs::read_dir(root().join("pipelines")).unwrap().map(|entry| entry.unwrap().path());
    let tomls: Vec<_> = pipelines.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    assert!(tomls.len() >= 5);
    for path in tomls {
        let answer = Project::empty().pdm(&["config", "show", path.to_str().unwrap()]);
        assert_eq!(answer.code, 0, "{answer:?}");
    }
}

#[test]
fn every_command_in_the_readme_exists() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let project = Project::empty();
    let mut seen = 0;
    for line in readme.lines().filter_map(|line| line.trim_start_matches("$ ").strip_prefix("pdm-ml ")) {
        let words: Vec<_> =
            line.split_whitespace().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase())).collect();
        let command: Vec<_> = words.iter().take(2).copied().collect();
        let answer = project.pdm(&[&command[..], &["--help"]].concat());
        assert_eq!(answer.code, 0, "`pdm-ml {line}` in the README: {}", answer.stderr);
        seen += 1;
    }
    assert!(seen > 5, "{seen} commands");
}

#[test]
fn links_to_files_in_the_readme_lead_somewhere() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let file = link.split('#').next().unwrap();
        if !file.is_empty() && !file.starts_with("http") {
            assert!(root().join(file).exists(), "{link}");
        }
    }
}

#[test]
fn the_readme_names_every_exit_code_of_the_help() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let help = Project::empty().pdm(&["--help"]).stdout;
    let codes = help.split("Exit codes:").nth(1).unwrap().lines().filter_map(|line| line.split_whitespace().next());
    let mut seen = 0;
    for code in codes {
        let named = [format!("| {code} |"), format!("| {code}, "), format!(", {code} |")];
        assert!(named.iter().any(|cell| readme.contains(cell)), "{code}");
        seen += 1;
    }
    assert!(seen > 10);
}
