//! The repository itself: what it says must be true of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::project::Project;

/// The pages at the top of the repository.
const TOP_PAGES: [&str; 4] = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
];
/// The folders of which every Markdown file is a page.
const PAGE_FOLDERS: [&str; 5] = ["docs", "docs/images", "datasets", "experiments", "registry"];
/// Most words of the README: what a reader takes in at one sitting.
const README_WORDS: usize = 900;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// A page of the documentation.
struct Page {
    /// Where it is, from the top of the repository.
    path: PathBuf,
    text: String,
}

impl Page {
    fn read(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            text: fs::read_to_string(root().join(path)).unwrap(),
        }
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// Reads every page, in the order of their paths.
fn pages() -> Vec<Page> {
    let mut paths: Vec<_> = TOP_PAGES.iter().map(PathBuf::from).collect();
    for folder in PAGE_FOLDERS {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = Path::new(folder).join(entry.unwrap().file_name());
            if path.extension().is_some_and(|extension| extension == "md") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths.iter().map(|path| Page::read(path)).collect()
}

/// Returns the lines of the fenced blocks with the language of each block, and the text around the blocks.
fn blocks_and_prose(text: &str) -> (Vec<(&str, &str)>, String) {
    let mut blocks = Vec::new();
    let mut prose = String::new();
    let mut block = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        match (trimmed.strip_prefix("```"), block) {
            (Some(language), None) => block = Some(language.trim()),
            (Some(_), Some(_)) => block = None,
            (None, Some(language)) => blocks.push((language, trimmed)),
            (None, None) => {
                prose.push_str(line);
                prose.push('\n');
            }
        }
    }
    (blocks, prose)
}

/// Returns what a page says to type: the lines of its `sh` blocks, and what is behind the prompts of its transcripts.
fn typed_lines(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let (blocks, _) = blocks_and_prose(&joined);
    let typed = blocks
        .into_iter()
        .filter_map(|(language, line)| match language {
            "sh" => Some(line),
            _ => line.strip_prefix("$ "),
        });
    typed.map(str::to_owned).collect()
}

/// Returns the arguments of each call of `pdm-ml` in a line of shell, up to a comment or the next command.
fn calls(line: &str) -> Vec<Vec<&str>> {
    let mut calls: Vec<Vec<&str>> = Vec::new();
    let mut is_open = false;
    for word in line.split_whitespace() {
        if word.starts_with('#') {
            break;
        }
        if word == "pdm-ml" {
            calls.push(Vec::new());
            is_open = true;
        } else if matches!(word, "&&" | "||" | "|" | "&" | ">" | ">>" | ";") {
            is_open = false;
        } else if is_open && let Some(call) = calls.last_mut() {
            call.push(word);
        }
    }
    calls
}

/// Returns the words of a call that name its command.
fn command<'w>(call: &[&'w str]) -> Vec<&'w str> {
    let words = call
        .iter()
        .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()));
    words.take(2).copied().collect()
}

/// Returns the long options of a call, without their values.
fn options<'w>(call: &[&'w str]) -> Vec<&'w str> {
    let options = call.iter().filter(|word| word.starts_with("--"));
    options.filter_map(|word| word.split('=').next()).collect()
}

/// The help of each command, asked for once.
struct Help {
    project: Project,
    known: BTreeMap<Vec<String>, String>,
}

impl Help {
    fn new() -> Self {
        Self {
            project: Project::empty(),
            known: BTreeMap::new(),
        }
    }

    /// Returns the help of the command that `call` names; `place` is the place of the call, for the message of a failure.
    fn of(&mut self, call: &[&str], place: &str) -> &str {
        let command = command(call);
        let key: Vec<_> = command.iter().map(|&word| word.to_owned()).collect();
        self.known.entry(key).or_insert_with(|| {
            let answer = self.project.pdm(&[&command[..], &["--help"]].concat());
            assert_eq!(
                answer.code,
                0,
                "`pdm-ml {}` in {place}: {}",
                call.join(" "),
                answer.stderr
            );
            answer.stdout
        })
    }
}

/// Whether a help text lists this long option.
fn lists(help: &str, option: &str) -> bool {
    help.split(|c: char| !(c.is_ascii_lowercase() || c == '-'))
        .any(|word| word == option)
}

/// Returns the anchor that a heading gets on a page.
fn anchor(heading: &str) -> String {
    let kept = heading
        .trim()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn anchors(text: &str) -> Vec<String> {
    let (_, prose) = blocks_and_prose(text);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect()
}

#[test]
fn every_pipeline_in_the_repository_loads() {
    let pipelines = fs::read_dir(root().join("pipelines"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let tomls: Vec<_> = pipelines
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    assert!(tomls.len() >= 5);
    for path in tomls {
        let answer = Project::empty().pdm(&["config", "show", path.to_str().unwrap()]);
        assert_eq!(answer.code, 0, "{answer:?}");
    }
}

#[test]
fn every_command_in_the_documentation_exists_and_has_its_options() {
    let mut help = Help::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for page in pages() {
        let name = page.name();
        for line in typed_lines(&page.text) {
            for call in calls(&line) {
                let text = help.of(&call, &name);
                for option in options(&call) {
                    assert!(
                        lists(text, option),
                        "`{option}` of `pdm-ml {}` in {name}",
                        call.join(" ")
                    );
                }
                *seen.entry(name.clone()).or_insert(0) += 1;
            }
        }
    }
    assert!(seen.values().sum::<usize>() > 90, "{seen:?}");
    assert!(seen["README.md"] >= 3, "{seen:?}");
    assert!(seen.len() > 15, "{seen:?}");
}

#[test]
fn every_command_in_the_running_text_exists() {
    let mut help = Help::new();
    let mut seen = 0;
    for page in pages() {
        let (_, prose) = blocks_and_prose(&page.text);
        for span in prose.split('`').skip(1).step_by(2) {
            for call in calls(span) {
                help.of(&call, &page.name());
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "{seen} commands");
}

#[test]
fn every_script_in_the_documentation_exists() {
    let mut seen = 0;
    for page in pages() {
        for line in typed_lines(&page.text) {
            for script in line
                .split_whitespace()
                .filter(|word| word.starts_with("scripts/"))
            {
                assert!(root().join(script).exists(), "{script} in {}", page.name());
                seen += 1;
            }
        }
    }
    assert!(seen > 5, "{seen} scripts");
}

#[test]
fn links_to_files_in_the_documentation_lead_somewhere() {
    let mut seen = 0;
    for page in pages() {
        let folder = page.path.parent().unwrap();
        let (_, prose) = blocks_and_prose(&page.text);
        for link in prose
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if link.starts_with("http") {
                continue;
            }
            let (file, part) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                root().join(&page.path)
            } else {
                root().join(folder).join(file)
            };
            assert!(target.exists(), "{link} in {}", page.name());
            if !part.is_empty()
                && target
                    .extension()
                    .is_some_and(|extension| extension == "md")
            {
                let anchors = anchors(&fs::read_to_string(&target).unwrap());
                assert!(
                    anchors.iter().any(|anchor| anchor == part),
                    "{link} in {}",
                    page.name()
                );
            }
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen} links");
}

#[test]
fn the_index_names_every_page_of_docs() {
    let index = Page::read(Path::new("docs/README.md"));
    for page in pages()
        .iter()
        .filter(|page| page.path.parent() == index.path.parent())
    {
        let file = page.path.file_name().unwrap().to_str().unwrap();
        assert!(
            file == "README.md" || index.text.contains(&format!("]({file}")),
            "{file}"
        );
    }
}

#[test]
fn the_readme_is_short() {
    let words = Page::read(Path::new("README.md"))
        .text
        .split_whitespace()
        .count();
    assert!(words <= README_WORDS, "{words} words");
}

#[test]
fn the_page_of_commands_names_every_exit_code_of_the_help() {
    let page = Page::read(Path::new("docs/commands.md")).text;
    let help = Project::empty().pdm(&["--help"]).stdout;
    let codes = help
        .split("Exit codes:")
        .nth(1)
        .unwrap()
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let mut seen = 0;
    for code in codes {
        let named = [
            format!("| {code} |"),
            format!("| {code}, "),
            format!(", {code} |"),
        ];
        assert!(named.iter().any(|cell| page.contains(cell)), "{code}");
        seen += 1;
    }
    assert!(seen > 10);
}

#[test]
fn the_page_of_commands_names_every_command_of_the_help() {
    let page = Page::read(Path::new("docs/commands.md")).text;
    let help = Project::empty().pdm(&["--help"]).stdout;
    let listed = help
        .split("Commands:")
        .nth(1)
        .unwrap()
        .split("Options:")
        .next()
        .unwrap();
    let mut seen = 0;
    for line in listed.lines().filter_map(|line| line.strip_prefix("  ")) {
        // A line that begins deeper goes on with what the one above it says.
        let Some(name) = line
            .split(' ')
            .next()
            .filter(|name| !name.is_empty() && *name != "help")
        else {
            continue;
        };
        assert!(
            page.contains(&format!("`{name}`")) || page.contains(&format!("`{name} ")),
            "{name}"
        );
        seen += 1;
    }
    assert!(seen > 20, "{seen} commands");
}

#[test]
fn the_tests_of_the_documentation_see_what_they_look_for() {
    let text = "# A b\n```sh\ncd x && pdm-ml init --ci=github # pdm-ml no\nA=b pdm-ml run \\\n  --quiet | cat --all\n```\n\
                `c` [d](e.md)\n```text\n$ pdm-ml plan\npdm-ml 1\n```\n";
    let lines = typed_lines(text);
    let calls: Vec<_> = lines.iter().flat_map(|line| calls(line)).collect();
    assert_eq!(
        calls,
        [
            vec!["init", "--ci=github"],
            vec!["run", "--quiet"],
            vec!["plan"]
        ]
    );
    assert_eq!(command(&calls[0]), ["init"]);
    assert_eq!(options(&calls[0]), ["--ci"]);
    assert!(lists("      --resume[=<RESUME>]", "--resume") && !lists("--resumed", "--resume"));
    assert_eq!(anchors(text), ["a-b"]);
    assert_eq!(anchor(" `pdm.lock`, and 2 more"), "pdmlock-and-2-more");
}
