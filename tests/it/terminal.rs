//! Tables on a terminal fit its width, and are whole where they are piped.

use crate::needs;
use crate::project::{Answer, Project, SMALL};

/// Runs the command in a pseudo-terminal of so many columns and returns what it wrote to standard output.
fn on_terminal(
    project: &Project,
    columns: usize,
    variables: &[(&str, &str)],
    args: &[&str],
) -> Answer {
    // By `env`: a shell that sees the size of its terminal sets COLUMNS by it.
    let set = variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let words = ["env", "-u", "COLUMNS"]
        .map(str::to_owned)
        .into_iter()
        .chain(set);
    let words = words
        .chain([env!("CARGO_BIN_EXE_pdm-ml").to_owned()])
        .chain(args.iter().map(|arg| (*arg).to_owned()));
    let words: Vec<_> = words.collect();
    let command = shlex::try_join(words.iter().map(String::as_str)).unwrap();
    let mut script = project.command(&[]);
    // The settings of an environment of its own, for another program.
    let variables_removed: Vec<_> = script.get_envs().map(|(name, _)| name.to_owned()).collect();
    script = needs::program("script", "bsdutils");
    variables_removed
        .iter()
        .for_each(|name| _ = script.env_remove(name));
    script.current_dir(project.path());
    script.args([
        "-qec",
        &format!("stty cols {columns}; exec {command} 2>/dev/null"),
        "/dev/null",
    ]);
    script.stdin(std::process::Stdio::null());
    let output = script.output().unwrap();
    Answer {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap().replace('\r', ""),
        stderr: String::new(),
    }
}

fn widest(text: &str) -> usize {
    text.lines()
        .map(|line| line.chars().count())
        .max()
        .unwrap_or_default()
}

/// A line that is wider than the terminal is one word, such as a path.
fn assert_fits(text: &str, columns: usize, of: &[&str]) {
    for line in text.lines() {
        let fits = line.chars().count() <= columns || !line.trim().contains(' ');
        assert!(
            fits,
            "{of:?} at {columns} columns: {} in\n{line}\n\n{text}",
            line.chars().count()
        );
    }
}

#[test]
#[ignore = "needs `script`; apt-get install bsdutils"]
fn every_table_fits_the_terminal() {
    let why = "a gate sets this limit for a reason that takes a whole sentence to explain";
    let tune = "\n[tune]\ntrials = 2\n\n[tune.space]\n\"model.l2\" = { low = 1e-4, high = 10, log = true }\n\"features.window_cycles\" = { low = 10, high = 60, step = 10 }\n";
    let project = Project::with_pipeline(&format!("{SMALL}{tune}"));
    let run = project.json(&["run"])["run"].as_str().unwrap().to_owned();
    let second = project.json(&["run", "--set", "model.l2=0.5", "--set", "split.folds=4"]);
    let second = second["run"].as_str().unwrap().to_owned();
    project.pdm(&["registry", "annotate", "small/1", "--note", why]);
    let commands: [&[&str]; 22] = [
        &["run"],
        &["evaluate", "--against", "small:v1"],
        &["gate"],
        &["plan"],
        &["plan", "--set", "model.l2=0.25"],
        &["features"],
        &["data", "validate"],
        &["doctor"],
        &["tune", "--force"],
        &["tune", "--dry-run"],
        &["runs", "list"],
        &["runs", "show", &run],
        &["runs", "compare", &run, &second],
        &["runs", "gc", "--keep", "0", "--dry-run"],
        &["registry", "list"],
        &["registry", "show", "small/1"],
        &["registry", "history"],
        &["registry", "diff", "small/1", "small/2"],
        &["registry", "gc", "--dry-run"],
        &["cache", "list"],
        &["cache", "why", "train"],
        &["explain"],
    ];
    for args in commands {
        for columns in [60, 80] {
            let seen = on_terminal(&project, columns, &[], args);
            assert!(seen.stdout.lines().count() > 1, "{args:?}: {seen:?}");
            assert_fits(&seen.stdout, columns, args);
        }
    }
}

#[test]
#[ignore = "needs `script`; apt-get install bsdutils"]
fn piped_tables_are_whole_and_columns_has_a_say() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    let args = ["registry", "show", "small/1"];
    let mut piped = project.command(&args);
    let piped = Answer::of(piped.env("COLUMNS", "40"));
    assert!(widest(&piped.stdout) > 100, "{piped:?}");
    let wide = on_terminal(&project, 200, &[], &args);
    assert_eq!(wide.stdout.trim_end(), piped.stdout.trim_end());
    let narrow = on_terminal(&project, 200, &[("COLUMNS", "70")], &args);
    assert_fits(&narrow.stdout, 70, &args);
    assert!(widest(&narrow.stdout) > 60, "{narrow:?}");
    // Programs read JSON as it is, on a terminal too.
    let json = on_terminal(
        &project,
        60,
        &[],
        &["registry", "show", "small/1", "--format", "json"],
    );
    serde_json::from_str::<serde_json::Value>(&json.stdout).unwrap();
}
