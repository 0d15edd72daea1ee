//! `explain`: every code of an error is explained, and none is there for nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use pdm_ml::codes::Code;
use pdm_ml::config::PipelineSpec;

use crate::architecture::source_folders;
use crate::project::{Project, SMALL};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn a_code_is_explained_however_it_is_written() {
    let project = Project::empty();
    let long = project.pdm(&["explain", "E0107"]);
    assert_eq!(long.code, 0);
    insta::assert_snapshot!(long.stdout, @r#"
    E0107: unknown key in a section (exit code 2)

    The section has no such key, so it would have no effect. The hint names a key with a similar
    spelling, the section or kind of model that the key belongs to, or all keys of the section.
    `pdm-ml config show` prints all keys with their values; with the schema that
    `pdm-ml config schema` prints, editors can complete them.

    Wrong:

        [train]
        learning_rate = 0.05

    Right:

        [model]
        kind = "gbdt"
        learning_rate = 0.05
    "#);
    for written in ["e0107", "107", "0107"] {
        assert_eq!(
            project.pdm(&["explain", written]).stdout,
            long.stdout,
            "{written}"
        );
    }
    let json = project.json(&["explain", "107"]);
    assert_eq!((&json["code"], &json["exit"]), (&"E0107".into(), &2.into()));
    assert!(json["explanation"].as_str().unwrap().contains("```toml"));
}

#[test]
fn all_codes_are_listed() {
    let project = Project::empty();
    let (table, json) = (project.pdm(&["explain"]).stdout, project.json(&["explain"]));
    let listed: Vec<_> = json
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["code"].as_str().unwrap())
        .collect();
    let all: Vec<_> = Code::ALL.iter().map(Code::to_string).collect();
    assert_eq!(listed, all);
    for code in Code::ALL {
        assert!(
            table.contains(&code.to_string()) && table.contains(code.title()),
            "{code}"
        );
    }
}

#[test]
fn an_unknown_code_gets_a_suggestion() {
    let project = Project::empty();
    let refusal = |written: &str| {
        let answer = project.pdm(&["explain", written]);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""));
        answer.stderr
    };
    insta::assert_snapshot!(["E0169", "redundant", "stack", "E9"].map(refusal).join("\n"), @"
    error[E0154]: no error has the code `E0169`
      hint: did you mean E0168 (not a run, a registered version or a bundle to compare with), or E0170 (a notification would be sent unencrypted), or E0167 (the system refuses the threads or memory that are needed)?

    error[E0154]: no error has the code `redundant`
      hint: `pdm-ml explain` lists all codes

    error[E0154]: no error has the code `stack`
      hint: did you mean E0133 (a stack with too few models, or inside another stack)?

    error[E0154]: no error has the code `E9`
      hint: `pdm-ml explain` lists all codes
    ");
}

#[test]
fn an_error_carries_its_code_for_people_and_programs() {
    let project = Project::with_pipeline(&SMALL.replace("seed = 7", "sede = 7"));
    let answer = project.pdm(&["run"]);
    assert!(
        answer
            .stderr
            .starts_with("error[E0107]: unknown key `sede` in [project]"),
        "{}",
        answer.stderr
    );
    // Standard error is not a terminal here: a log is not made longer.
    assert!(!answer.stderr.contains("explain"), "{}", answer.stderr);
    let error = |args: &[&str]| -> serde_json::Value {
        let answer = project.pdm(&[args, &["--format=json"]].concat());
        let object: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
        assert_eq!(object["error"]["exit"], answer.code, "{answer:?}");
        assert!(
            answer.stderr.contains(&format!(
                "error[{}]: ",
                object["error"]["code"].as_str().unwrap()
            )),
            "{answer:?}"
        );
        object["error"].clone()
    };
    let spec = error(&["run"]);
    assert_eq!(
        (&spec["code"], &spec["problems"][0]["code"]),
        (&"E0107".into(), &"E0107".into())
    );
    assert_eq!(error(&["explain", "nonsense"])["code"], "E0154");
    assert_eq!(error(&["run", "absent.toml"])["code"], "E0103");
    assert_eq!(error(&["fly"])["code"], "E0150");
    project.write("pdm.toml", SMALL);
    assert_eq!(error(&["registry", "verify"])["code"], "E0505");
    assert_eq!(error(&["runs", "show", "0123"])["code"], "E0602");
    assert_eq!(
        error(&["predict", "--model", "small@champion", "--input", "x.csv"])["code"],
        "E0511"
    );
}

/// The parts of a source file that are not tests.
fn product(path: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let is_test = entry
            .file_name()
            .is_some_and(|name| name == "tests" || name == "tests.rs" || name == "codes");
        if entry.is_dir() && !is_test {
            product(&entry, found);
        } else if !is_test && entry.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&entry).unwrap();
            found.push((
                entry,
                text.split("#[cfg(test)]\nmod tests {")
                    .next()
                    .unwrap()
                    .to_owned(),
            ));
        }
    }
}

#[test]
fn every_code_is_raised_somewhere() {
    let mut sources = Vec::new();
    for folder in source_folders() {
        product(&folder, &mut sources);
    }
    let mut raised = BTreeSet::new();
    for (_, text) in &sources {
        let names = text
            .split("Code::")
            .skip(1)
            .map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap());
        raised.extend(names.map(str::to_owned));
    }
    let dead: Vec<_> = Code::ALL
        .iter()
        .filter(|code| !raised.contains(&format!("{code:?}")))
        .collect();
    assert!(dead.is_empty(), "nothing raises {dead:?}");
}

#[test]
fn every_code_has_a_title_an_explanation_and_an_exit() {
    let titles: BTreeSet<_> = Code::ALL.iter().map(|code| code.title()).collect();
    assert_eq!(
        titles.len(),
        Code::ALL.len(),
        "two codes have the same title"
    );
    assert!(Code::ALL.is_sorted());
    for code in Code::ALL {
        let text = code.explanation();
        assert!(
            text.split_whitespace().count() >= 12 && !text.starts_with('#'),
            "{code}: {text}"
        );
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{code} has long lines"
        );
        assert!(
            text.matches("```").count() % 2 == 0 && !code.group().is_empty() && code.exit() != 0,
            "{code}"
        );
    }
    let files = fs::read_dir(root().join("crates/pdm-core/src/codes/explanations"))
        .unwrap()
        .count();
    assert_eq!(files, Code::ALL.len(), "an explanation of no code");
}

/// The TOML of an explanation below a line such as `Wrong:`.
fn examples(code: Code, label: &str) -> Vec<String> {
    let fence = format!("{label}\n\n```toml\n");
    let blocks = code.explanation().split(&fence).skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

/// An example as a whole file: what it does not say itself is put before it.
fn completed(example: &str, with_dataset: bool) -> String {
    let says = |words: &str| example.lines().any(|line| line.starts_with(words));
    let mut file = if says("version") {
        String::new()
    } else {
        "version = 3\n".to_owned()
    };
    let mut sections = String::new();
    if !says("[project]") {
        sections += "[project]\nname = \"demo\"\n";
    }
    if with_dataset && !says("[dataset]") {
        sections += "[dataset]\nkind = \"simulated\"\n";
    }
    if example.starts_with('[') {
        file += &format!("{sections}{example}");
    } else {
        file += &format!("{example}{sections}");
    }
    file
}

#[test]
fn right_examples_load_and_wrong_ones_give_their_code() {
    let mut wrong = 0;
    for code in Code::ALL {
        let load = |text: &str| PipelineSpec::load(text, "pdm.toml", &[], &|_| None);
        for example in examples(*code, "Right:") {
            let file = completed(&example, true);
            assert!(
                load(&file).is_ok(),
                "{code}: {}\n{file}",
                load(&file).unwrap_err()
            );
        }
        for example in examples(*code, "Wrong:") {
            let file = completed(&example, *code != Code::MissingSection);
            let errors = load(&file)
                .err()
                .unwrap_or_else(|| panic!("{code} loads:\n{file}"));
            let codes: BTreeSet<_> = errors
                .problems()
                .iter()
                .map(|problem| problem.code)
                .collect();
            assert_eq!(codes, BTreeSet::from([*code]), "{errors}");
            wrong += 1;
        }
    }
    assert!(wrong > 30, "{wrong} wrong examples");
}

/// The list of all codes, as in `docs/errors.md`.
fn reference() -> String {
    let mut text = "# Errors\n\nEvery error has a code, which never changes its meaning; `pdm-ml explain E0107` prints the \
                    text below.\nThe exit code is that of a command that ends with the error. Made from `crates/pdm-core/src/codes` by\n\
                    `scripts/regenerate`.\n"
        .to_owned();
    for group in Code::ALL.chunk_by(|a, b| a.group() == b.group()) {
        let (first, rest) = group[0].group().split_at(1);
        write!(
            text,
            "\n## {}{rest}\n\n| code | exit | what is wrong |\n| --- | --- | --- |\n",
            first.to_uppercase()
        )
        .unwrap();
        for code in group {
            let anchor = code.to_string().to_lowercase();
            writeln!(
                text,
                "| [{code}](#{anchor}) | {} | {} |",
                code.exit(),
                code.title()
            )
            .unwrap();
        }
        for code in group {
            write!(
                text,
                "\n### {code}\n\n**{}** (exit code {})\n\n{}",
                code.title(),
                code.exit(),
                code.explanation()
            )
            .unwrap();
        }
    }
    text
}

#[test]
fn the_reference_of_errors_is_current() {
    let path = root().join("docs/errors.md");
    if std::env::var_os("UPDATE_ERRORS").is_some() {
        fs::write(&path, reference()).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == reference(),
        "docs/errors.md is not what the program makes now: run `scripts/regenerate` and read what it changes"
    );
}
