//! A project whose policy asks for signatures, from `keygen` to a model without a valid signature.

use crate::project::{Answer, Project, SMALL};

const ACTOR: &str = "anna@plant.example";

struct Signed {
    project: Project,
}

impl Signed {
    /// A project that trusts one key for its actor, and has run once with it.
    fn new() -> Self {
        let project = Project::with_pipeline(SMALL);
        let mut command = project.command(&["registry", "keygen", "anna.key"]);
        let made = command.env("PDM_ML_ACTOR", ACTOR).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let key = String::from_utf8(made.stdout).unwrap();
        assert!(key.contains(&format!("actor = \"{ACTOR}\"")), "{key}");
        project.write(
            "registry/keys.toml",
            format!("[signatures]\nrequired_from = 1\n\n{key}"),
        );
        Self { project }
    }

    fn pdm(&self, args: &[&str], key: Option<&str>) -> Answer {
        let mut command = self.project.command(args);
        command.env("PDM_ML_ACTOR", ACTOR);
        key.into_iter()
            .for_each(|key| _ = command.env("PDM_ML_SIGNING_KEY_FILE", key));
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Answer {
            code: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

#[test]
fn a_model_is_signed_from_training_to_prediction() {
    let signed = Signed::new();
    let run = signed.pdm(&["run"], Some("anna.key"));
    assert_eq!(run.code, 0, "{run:?}");
    let verified = signed.pdm(&["registry", "verify"], None);
    assert!(
        verified.code == 0 && verified.stdout.contains("2 log entries (2 signed)"),
        "{verified:?}"
    );
    let shown = signed.pdm(&["registry", "show", "small@champion"], None);
    assert!(
        shown.code == 0 && shown.stdout.contains("signed by"),
        "{shown:?}"
    );
    // Reading needs no key; writing does.
    let noted = signed.pdm(&["registry", "annotate", "small/1", "--note", "seen"], None);
    assert!(
        noted.code == 20 && noted.stderr.contains("PDM_ML_SIGNING_KEY_FILE"),
        "{noted:?}"
    );
    // A writer bypasses the policy, as every user who may write to the bucket can.
    std::fs::rename(
        signed.project.file("registry/keys.toml"),
        signed.project.file("keys.toml"),
    )
    .unwrap();
    assert_eq!(
        signed
            .pdm(
                &["registry", "annotate", "small/1", "--note", "forged"],
                None
            )
            .code,
        0
    );
    std::fs::rename(
        signed.project.file("keys.toml"),
        signed.project.file("registry/keys.toml"),
    )
    .unwrap();
    let fetch = ["registry", "fetch", "small@champion", "--into", "bundle"];
    for args in [
        &fetch[..],
        &["registry", "list"],
        &["run"],
        &["registry", "verify"],
    ] {
        let answer = signed.pdm(args, Some("anna.key"));
        assert!(
            answer.code == 40 && format!("{answer:?}").contains("it is not signed"),
            "{args:?} {answer:?}"
        );
    }
}

#[test]
fn a_key_that_cannot_be_used_stops_the_work_before_it_begins() {
    let signed = Signed::new();
    assert_eq!(
        signed.pdm(&["registry", "keygen", "anna.key"], None).code,
        1,
        "keys are never overwritten"
    );
    assert_eq!(
        signed.pdm(&["registry", "keygen", "other.key"], None).code,
        0
    );
    let other = signed.pdm(&["run"], Some("other.key"));
    assert!(
        other.code == 20 && other.stderr.contains("names no key"),
        "{other:?}"
    );
    signed.project.write("text.key", "no key");
    for (key, expected) in [
        ("absent.key", "No such file"),
        ("text.key", "chmod 600"),
        ("anna.key.pub", "chmod 600"),
    ] {
        let answer = signed.pdm(&["registry", "list"], Some(key));
        assert!(
            answer.code == 2 && answer.stderr.contains(expected),
            "{key}: {answer:?}"
        );
    }
}
