//! One pipeline from several places: files, profiles, the environment and `--set`, as a user meets them.

use std::path::{Path, PathBuf};
use std::process::Command;

use pdm_ml::models::ModelOptions;

use crate::needs::taplo;
use crate::project::{Answer, Project, SMALL};

/// A plant's pipeline on top of what all plants share.
fn plant() -> Project {
    let project = Project::empty();
    project.write("shared/fleet.toml", SMALL);
    project.write(
        "pdm.toml",
        "version = 2\nextends = \"shared/fleet.toml\"\n\n[project]\nname = \"plant-7\"\n\n[split]\nfolds = 4\n\n\
         [profile.quick]\nsplit.folds = 3\nevaluate.bootstrap.resamples = 500\n",
    );
    project
}

#[test]
fn every_layer_wins_over_the_one_before_and_is_named() {
    let project = plant();
    let folds = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command =
            project.command(&[&["config", "show", "--origin", "--format", "json"], args].concat());
        let answer = Answer::of(command.envs(variables.iter().copied()));
        assert_eq!(answer.code, 0, "{answer:?}");
        let origins: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
        let of = |key: &str| {
            origins
                .as_array()
                .unwrap()
                .iter()
                .find(|origin| origin["key"] == key)
                .unwrap()
                .clone()
        };
        let (folds, seed) = (of("split.folds"), of("project.seed"));
        assert_eq!(
            (
                &seed["layer"],
                &seed["source"]["file"],
                &seed["source"]["line"]
            ),
            (&"extends".into(), &"shared/fleet.toml".into(), &6.into())
        );
        (
            folds["value"].as_u64().unwrap(),
            folds["layer"].as_str().unwrap().to_owned(),
        )
    };
    let layer = |value, name: &str| (value, name.to_owned());
    assert_eq!(folds(&[], &[]), layer(4, "file"));
    assert_eq!(folds(&["-p", "quick"], &[]), layer(3, "profile.quick"));
    assert_eq!(
        folds(&[], &[("PDM_ML_PROFILE", "quick")]),
        layer(3, "profile.quick")
    );
    let variable = ("PDM_ML__SPLIT__FOLDS", "6");
    assert_eq!(
        folds(
            &["--profile", "quick"],
            &[variable, ("PDM_ML_PROFILE", "none")]
        ),
        layer(6, "environment")
    );
    assert_eq!(
        folds(
            &["--profile", "quick", "--set", "split.folds=7"],
            &[variable]
        ),
        layer(7, "set")
    );
}

#[test]
fn the_registry_variable_is_a_layer_like_the_others() {
    let project = Project::with_pipeline(SMALL);
    let url = |args: &[&str]| {
        let mut command = project.command(&[&["config", "show", "--origin"], args].concat());
        let shown = Answer::of(command.env("PDM_ML_REGISTRY", "from/variable")).stdout;
        words_of(
            shown
                .lines()
                .find(|line| line.starts_with("registry.url "))
                .unwrap_or_default(),
        )[1..]
            .join(" ")
    };
    assert_eq!(url(&[]), "\"from/variable\" environment PDM_ML_REGISTRY");
    assert_eq!(
        url(&["--set", "registry.url=mine"]),
        "\"mine\" set --set registry.url=mine"
    );
}

#[test]
fn a_composed_pipeline_runs_and_its_plan_names_the_layer_of_a_change() {
    let project = plant();
    assert_eq!(project.pdm(&["train"]).code, 0);
    let plan = |args: &[&str]| project.pdm(&[&["plan"], args].concat()).stdout;
    let keeps_training = |plan: &str| {
        plan.lines()
            .any(|line| words_of(line)[..].starts_with(&["train".into(), "keep".into()]))
    };
    assert!(keeps_training(&plan(&[])), "{}", plan(&[]));
    let changed = plan(&["-p", "quick"]);
    assert!(
        changed.contains("`split.folds` 4 → 3 (pdm.toml:11)"),
        "{changed}"
    );
    let variable = Answer::of(project.command(&["plan"]).env("PDM_ML__SPLIT__FOLDS", "6")).stdout;
    assert!(
        variable.contains("`split.folds` 4 → 6 (PDM_ML__SPLIT__FOLDS)"),
        "{variable}"
    );
    // The place of a value is not part of a key: one flat file is the same pipeline.
    let flat = project.pdm(&["config", "show"]).stdout;
    project.write("flat.toml", flat);
    assert!(
        keeps_training(&plan(&["flat.toml"])),
        "{}",
        plan(&["flat.toml"])
    );
}

#[test]
fn mistakes_are_reported_in_every_layer_at_once() {
    let project = plant();
    project.write("shared/fleet.toml", SMALL.replace("seed = 7", "sede = 7"));
    let mut command = project.command(&["run", "--profile", "quick", "--set", "split.foldz=3"]);
    let answer = Answer::of(command.env("PDM_ML__TRIAN__SEEDS", "2"));
    assert_eq!(answer.code, 2);
    for words in [
        "--> shared/fleet.toml:6:1",
        "did you mean `seed`",
        "PDM_ML__TRIAN__SEEDS",
        "did you mean `train`",
        "--set split.foldz=3",
    ] {
        assert!(answer.stderr.contains(words), "{words}\n{}", answer.stderr);
    }
    let unknown = project.pdm(&["run", "-p", "qick"]);
    assert!(
        unknown.code == 2 && unknown.stderr.contains("did you mean `quick`?"),
        "{unknown:?}"
    );
    project.write("pdm.toml", "version = 2\nextends = \"shared/feet.toml\"\n");
    let missing = project.pdm(&["run"]);
    assert!(
        missing.code == 2 && missing.stderr.contains("did you mean `fleet.toml`?"),
        "{missing:?}"
    );
    assert!(missing.stderr.contains("pdm.toml:2:11"), "{missing:?}");
}

#[test]
fn a_search_writes_a_pipeline_that_is_what_was_scored_whatever_the_layers() {
    let project = plant();
    let tune = "\n[tune]\ntrials = 2\nconfirm = 0\nprune = { rule = \"off\" }\n[tune.space]\n\"model.l2\" = { low = 0.1, high = 10.0 }\n";
    project.write("pdm.toml", project.read("pdm.toml") + tune);
    for (args, name, words) in [
        (
            &["--set", "split.folds=3"][..],
            "pdm.tuned.toml",
            "extends = \"shared/fleet.toml\"",
        ),
        (
            &["-p", "quick", "-o", "other/tuned.toml"][..],
            "other/tuned.toml",
            "# Every layer is written out.",
        ),
    ] {
        std::fs::create_dir_all(project.file("other")).unwrap();
        let answer = project.pdm(&[&["tune"], args].concat());
        assert_eq!(answer.code, 0, "{answer:?}");
        assert!(project.read(name).contains(words), "{}", project.read(name));
        let tuned = project.pdm(&["config", "show", name]).stdout;
        assert!(
            tuned.contains("folds = 3") && tuned.contains("seed = 7"),
            "{tuned}"
        );
    }
}

#[test]
fn migrate_prints_checks_and_writes() {
    let project = Project::empty();
    let old = "# mine\nversion = 1\nproject.name = \"old\"\ndataset.kind = \"simulated\"\n[model]\nkind = \"gru\"\nbatch_units = 4 # few\n";
    project.write("pdm.toml", old);
    project.write("sub/keep.txt", "");
    let shown = project.pdm(&["config", "show"]).stdout;
    let new = old
        .replace("version = 1", "version = 3")
        .replace("batch_units", "batch");
    let printed = project.pdm(&["-C", "sub", "config", "migrate"]);
    assert_eq!((printed.code, &printed.stdout), (0, &new), "{printed:?}");
    assert!(
        printed
            .stderr
            .contains("pdm.toml:7: model.batch_units: batch_units → batch"),
        "{printed:?}"
    );
    let check = project.pdm(&["config", "migrate", "--check", "--exit-code", "pdm.toml"]);
    assert_eq!(
        (check.code, project.read("pdm.toml").as_str()),
        (3, old),
        "{check:?}"
    );

    project.write("newer.toml", "version = 9\n");
    let refused = project.pdm(&["config", "migrate", "--write", "pdm.toml", "newer.toml"]);
    assert_eq!(
        (refused.code, project.read("pdm.toml").as_str()),
        (2, old),
        "{refused:?}"
    );
    assert!(
        refused.stderr.contains("newer.toml:1:11") && refused.stderr.contains("newer pdm-ml"),
        "{refused:?}"
    );

    let written = project.json(&["config", "migrate", "--write", "pdm.toml"]);
    assert_eq!(
        (
            &written[0]["written"],
            &written[0]["from"],
            project.read("pdm.toml")
        ),
        (&true.into(), &1.into(), new)
    );
    assert_eq!(
        project
            .pdm(&["config", "migrate", "--check", "--exit-code"])
            .code,
        0
    );
    assert_eq!(
        project.pdm(&["config", "show"]).stdout,
        shown.replace("version = 1", "version = 3")
    );
}

/// Kept from when each was current: what was read once is read for good, to the same pipeline.
#[test]
fn files_of_older_formats_stay_readable() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/formats");
    let mut seen = 0;
    for file in std::fs::read_dir(&kept)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if file.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let project = Project::empty();
        let text = std::fs::read_to_string(&file).unwrap();
        project.write("pdm.toml", &text);
        let shown = project.pdm(&["config", "show"]);
        assert_eq!(shown.code, 0, "{}: {shown:?}", file.display());
        let expected = std::fs::read_to_string(file.with_extension("says")).unwrap();
        for line in expected.lines() {
            assert!(
                shown.stdout.lines().any(|shown| shown == line),
                "{}: {line}\n{}",
                file.display(),
                shown.stdout
            );
        }
        project.pdm(&["config", "migrate", "--write"]);
        let again = project.pdm(&["config", "show"]).stdout;
        let keys = |text: &str| {
            let lines = text.lines().filter(|line| !line.starts_with("version = "));
            lines.map(ToOwned::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(keys(&again), keys(&shown.stdout), "{}", file.display());
        seen += 1;
    }
    assert!(seen >= 3, "{seen}");
}

#[test]
fn a_value_by_its_old_name_is_read_with_a_note() {
    let project = Project::empty();
    let old = "version = 2\nproject.name = \"old\"\ndataset.kind = \"simulated\"\ntrain.backend = \"flex\"\n";
    project.write("pdm.toml", old);
    let noted = |answer: &Answer| {
        let note =
            "pdm.toml:4: in a file of version 2, \"flex\" for `train.backend` means \"native\"";
        answer.stderr.contains(note)
    };
    let shown = project.pdm(&["config", "show"]);
    assert!(
        noted(&shown) && shown.stdout.contains("backend = \"native\""),
        "{shown:?}"
    );
    project.pdm(&["config", "migrate", "--write"]);
    assert_eq!(
        project.read("pdm.toml"),
        old.replace("version = 2", "version = 3")
            .replace("flex", "native")
    );
    assert!(!noted(&project.pdm(&["config", "show"])));
}

/// The files and commands of the guide, as they are printed in it.
#[test]
fn the_example_of_the_guide_is_what_the_program_does() {
    let guide = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md"),
    )
    .unwrap();
    let project = Project::empty();
    let mut tried = 0;
    for block in guide.split("```").skip(1).step_by(2) {
        let (_, body) = block.split_once('\n').unwrap();
        if let Some(file) = body.strip_prefix("# file: ") {
            project.write(file.lines().next().unwrap().trim(), body);
        }
        let Some((line, expected)) = body
            .strip_prefix("$ ")
            .and_then(|rest| rest.split_once('\n'))
        else {
            continue;
        };
        let words: Vec<_> = line.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "pdm-ml").unwrap();
        let mut command = project.command(&words[at + 1..]);
        command.envs(words[..at].iter().map(|word| word.split_once('=').unwrap()));
        let answer = Answer::of(&mut command);
        let printed = format!("{}{}", answer.stdout, answer.stderr);
        let printed: Vec<_> = printed.lines().map(words_of).collect();
        // Lines are left out of a table, so that its columns are wider in truth.
        for line in expected
            .lines()
            .filter(|line| !["", "…"].contains(line) && !line.starts_with('─'))
        {
            assert!(
                printed.contains(&words_of(line)),
                "`{line}` of `{words:?}` is not in\n{printed:#?}"
            );
        }
        tried += 1;
    }
    assert!(tried >= 2, "{tried} commands");
}

fn words_of(line: &str) -> Vec<String> {
    line.split_whitespace().map(ToOwned::to_owned).collect()
}

/// Checks a file against the schema with Taplo; its messages are the error.
fn lint(taplo: &Path, schema: &Path, file: &Path) -> Result<(), String> {
    let schema = format!("file://{}", schema.display());
    let output = Command::new(taplo)
        .args(["lint", "--schema", &schema])
        .arg(file)
        .output()
        .unwrap();
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok(())
    } else {
        Err(messages)
    }
}

fn schema() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/pipeline.schema.json")
}

#[test]
#[ignore = "needs Taplo; scripts/test installs it"]
fn a_toml_language_server_accepts_every_pipeline_and_template() {
    let taplo = taplo();
    let project = plant();
    let pipelines = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines");
    let mut files: Vec<_> = std::fs::read_dir(pipelines)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    assert!(files.len() >= 9);
    for template in ["simulated", "fd001", "fd002", "fd003", "fd004", "table"] {
        assert_eq!(
            project
                .pdm(&["init", template, "--template", template])
                .code,
            0
        );
        files.push(project.file(template).join("pdm.toml"));
        let resolved = format!("{template}.resolved.toml");
        project.write(
            &resolved,
            project.pdm(&["-C", template, "config", "show"]).stdout,
        );
        files.push(project.file(&resolved));
    }
    for kind in ModelOptions::KINDS {
        let resolved = format!("{kind}.toml");
        project.write(
            &resolved,
            project
                .pdm(&["config", "show", "--set", &format!("model.kind={kind}")])
                .stdout,
        );
        files.push(project.file(&resolved));
    }
    files.extend([project.file("pdm.toml"), project.file("shared/fleet.toml")]);
    for file in files {
        lint(&taplo, &schema(), &file)
            .unwrap_or_else(|messages| panic!("{}: {messages}", file.display()));
    }
    // The schema that `init` writes is found by the template's own first line.
    let init = Command::new(&taplo)
        .args(["lint", "pdm.toml"])
        .current_dir(project.file("fd001"))
        .output()
        .unwrap();
    assert!(init.status.success(), "{init:?}");
    project.write(
        "fd001/pdm.toml",
        project.read("fd001/pdm.toml") + "\n[nonsense]\n",
    );
    let init = Command::new(&taplo)
        .args(["lint", "pdm.toml"])
        .current_dir(project.file("fd001"))
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&init.stderr).contains("nonsense"),
        "{init:?}"
    );
}

#[test]
#[ignore = "needs Taplo; scripts/test installs it"]
fn a_toml_language_server_rejects_what_the_program_rejects() {
    let taplo = taplo();
    let project = Project::empty();
    let whole = "version = 2\nproject.name = \"x\"\ndataset.kind = \"simulated\"\n";
    let broken = [
        "project.name = \"x\"\ndataset.kind = \"simulated\"\n".to_owned(),
        "version = 4\n".to_owned(),
        "version = \"2\"\n".to_owned(),
        format!("{whole}[modle]\nkind = \"gbdt\"\n"),
        format!("{whole}[split]\nfold = 5\n"),
        format!("{whole}[split]\nfolds = \"5\"\n"),
        format!("{whole}[split]\nfolds = 5.5\n"),
        format!("{whole}project.seed = -1\n"),
        format!("{whole}[model]\nkind = \"svm\"\n"),
        format!("{whole}[model]\nkind = \"gbdt\"\nhidden = 48\n"),
        format!("{whole}[model]\nkind = \"stack\"\n[[model.member]]\nkind = \"stack\"\n"),
        format!("{whole}[model]\nkind = \"stack\"\n[[model.member]]\nkind = \"gru\"\n"),
        format!("{whole}dataset.subset = \"FD005\"\n"),
        format!("{whole}[features]\nhalf_lives = [4.0, \"15\"]\n"),
        format!("{whole}[registry]\npromote = \"yes\"\n"),
        format!("{whole}[evaluate]\nbootstrap = {{ resample = 10 }}\n"),
        format!("{whole}[[gate]]\nrule = \"at_most\"\nvalue = 1.0\n"),
        format!("{whole}[[gate]]\nmetric = \"rsme\"\nrule = \"at_most\"\n"),
        format!("{whole}gate = 3\n"),
        format!("{whole}[tune.space]\n\"model.rounds\" = {{ lo = 1 }}\n"),
        format!("{whole}[train]\nloss = \"l1\"\n"),
        format!("{whole}[profile.ci]\nsplit.fold = 3\n"),
        format!("{whole}[profile.ci.model]\nkind = \"gru\"\nrounds = 3\n"),
        format!("{whole}[profile.ci]\nversion = 2\n"),
        format!("extends = 3\n{whole}"),
        format!("extends = [1]\n{whole}"),
    ];
    for (i, text) in broken.iter().enumerate() {
        let name = format!("{i}.toml");
        project.write(&name, text);
        assert!(
            lint(&taplo, &schema(), &project.file(&name)).is_err(),
            "accepted:\n{text}"
        );
        let profile: &[&str] = if text.contains("profile.ci.model") {
            &["-p", "ci"]
        } else {
            &[]
        };
        let answer = project.pdm(&[&["config", "show", &name], profile].concat());
        assert_eq!(answer.code, 2, "{text}\n{answer:?}");
    }
}
