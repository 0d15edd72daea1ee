//! `init`, `doctor`, `completions` and the help.

use pdm_ml::models::ModelOptions;

use crate::project::Project;

#[test]
fn every_template_is_a_pipeline_that_loads() {
    for template in ["simulated", "fd001", "fd002", "fd003", "fd004", "table"] {
        let project = Project::empty();
        let answer = project.pdm(&["init", "plant", "--template", template]);
        assert_eq!(answer.code, 0, "{answer:?}");
        assert!(project.read("plant/pdm.toml").starts_with("#:schema pipelines/pipeline.schema.json\n"));
        for folder in ["pipelines", "experiments", "registry", "datasets"] {
            assert!(project.file("plant").join(folder).is_dir(), "{folder}");
        }
        let shown = project.pdm(&["-C", "plant", "config", "show"]);
        assert_eq!(shown.code, 0, "{shown:?}");
    }
}

/// Neither `[tune.space]` nor another example value may stand in the way of another family.
#[test]
fn every_template_takes_every_kind_of_model() {
    for template in ["simulated", "fd001", "table"] {
        let project = Project::empty();
        project.pdm(&["init", "--template", template]);
        for kind in ModelOptions::KINDS {
            let answer = project.pdm(&["config", "show", "--set", &format!("model.kind={kind}")]);
            assert_eq!(answer.code, 0, "{template}, {kind}: {answer:?}");
        }
    }
}

#[test]
fn init_does_not_overwrite() {
    let project = Project::with_pipeline("mine");
    let answer = project.pdm(&["init"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    assert_eq!(project.read("pdm.toml"), "mine");
}

#[test]
fn doctor_says_what_is_missing_and_what_to_do() {
    let project = Project::empty();
    assert_eq!(project.pdm(&["doctor"]).code, 0);
    project.pdm(&["init", "--template", "fd001"]);
    let answer = project.command(&["doctor"]).env_remove("PDM_ML_CMAPSS").output().unwrap();
    let text = String::from_utf8(answer.stdout).unwrap();
    assert_eq!(answer.status.code(), Some(1), "{text}");
    assert!(text.contains("MISSING") && text.contains("pdm-ml data fetch cmapss"), "{text}");
}

#[test]
fn completions_are_written_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let answer = Project::empty().pdm(&["completions", shell]);
        assert!(answer.code == 0 && answer.stdout.contains("pdm-ml"), "{shell}");
    }
}

#[test]
fn the_help_names_every_command_and_exit_code() {
    let help = Project::empty().pdm(&["--help"]).stdout;
    for word in [
        "init",
        "doctor",
        "data",
        "features",
        "train",
        "evaluate",
        "gate",
        "promote",
        "predict",
        "run",
        "plan",
        "runs",
        "registry",
        "config",
        "completions",
        "Examples:",
        "a gate said no",
        "130",
        "143",
    ] {
        assert!(help.contains(word), "{word}\n{help}");
    }
    assert_eq!(Project::empty().pdm(&["no-such-command"]).code, 2);
}
