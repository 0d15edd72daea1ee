//! `cache list`, `gc` and `why`; and results that machines share.

use std::fs;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::needs::s3_bucket;
use crate::project::{Answer, Project, SMALL};

fn actions(outcome: &Value) -> Vec<&str> {
    outcome["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["action"].as_str().unwrap())
        .collect()
}

/// Says that nothing was used for some days.
fn age(project: &Project, days: u64) {
    let then = SystemTime::now() - Duration::from_secs(days * 24 * 3600);
    for stage in fs::read_dir(project.file(".pdm-ml/cache/entries")).unwrap() {
        for entry in fs::read_dir(stage.unwrap().path()).unwrap() {
            for name in ["used", "entry.json"] {
                let file = fs::File::options()
                    .write(true)
                    .open(entry.as_ref().unwrap().path().join(name))
                    .unwrap();
                file.set_modified(then).unwrap();
            }
        }
    }
}

fn listed(project: &Project) -> Vec<Value> {
    project.json(&["cache", "list"]).as_array().unwrap().clone()
}

#[test]
fn the_list_shows_the_entries_and_what_uses_them() {
    let project = Project::with_pipeline(SMALL);
    assert!(
        project
            .pdm(&["cache", "list"])
            .stdout
            .contains("the cache is empty")
    );
    project.json(&["train"]);
    project.json(&["train", "--set", "model.l2=3.5"]);
    let entries = listed(&project);
    let train: Vec<_> = entries
        .iter()
        .filter(|entry| entry["stage"] == "train")
        .collect();
    assert_eq!((entries.len(), train.len()), (6, 2), "{entries:#?}");
    assert_eq!(
        train[0]["reachable_from"],
        serde_json::json!(["small"]),
        "the one used last comes first"
    );
    assert_eq!(
        (&train[1]["reachable_from"], &train[1]["pipeline"]),
        (&serde_json::json!([]), &"small".into())
    );
    assert!(train[0]["bytes"].as_u64().unwrap() > 1000 && train[0]["cost"]["elapsed_ms"].is_u64());
    let words = project.pdm(&["cache", "list"]).stdout;
    assert!(
        words.contains("last run of small")
            && words.contains("unused")
            && words.contains("6 results"),
        "{words}"
    );
    // A cached stage was used, too.
    project.json(&["train"]);
    let train = listed(&project)
        .into_iter()
        .find(|entry| entry["stage"] == "train")
        .unwrap();
    assert_eq!(train["reachable_from"], serde_json::json!(["small"]));
}

#[test]
fn garbage_is_named_before_it_goes_and_what_is_used_stays() {
    let project = Project::with_pipeline(SMALL);
    for l2 in ["1.5", "2.5", "3.5"] {
        project.json(&["train", "--set", &format!("model.l2={l2}")]);
    }
    let none = project.json(&["cache", "gc", "--dry-run"]);
    assert_eq!(
        none["found"].as_array().unwrap().len(),
        0,
        "nothing is old: {none:#}"
    );
    age(&project, 40);
    let unconfirmed = project.pdm(&["cache", "gc"]);
    assert!(
        unconfirmed.code == 2 && unconfirmed.stderr.contains("--dry-run"),
        "{unconfirmed:?}"
    );
    let dry = project.json(&["cache", "gc", "--dry-run"]);
    assert_eq!(
        dry["found"].as_array().unwrap().len(),
        4,
        "train and calibrate, twice: {dry:#}"
    );
    assert!(dry["removed"].is_null() && listed(&project).len() == 8);
    let keep = project.json(&["cache", "gc", "--dry-run", "--keep-last", "3"]);
    assert_eq!(keep["found"].as_array().unwrap().len(), 0, "{keep:#}");
    let gone = project.json(&["cache", "gc", "--yes"]);
    assert!(
        gone["removed"]
            .as_array()
            .unwrap()
            .iter()
            .all(|entry| entry["removal"] == "removed"),
        "{gone:#}"
    );
    assert_eq!(listed(&project).len(), 4);
    assert_eq!(
        actions(&project.json(&["train", "--set", "model.l2=3.5"])),
        ["cached"; 4]
    );
    assert_eq!(
        project
            .pdm(&["cache", "gc", "--max-size", "0B", "--yes"])
            .code,
        0
    );
    assert_eq!(listed(&project).len(), 0);
    assert_eq!(actions(&project.json(&["train"])), ["ran"; 4]);
}

#[test]
fn why_shows_the_whole_key_and_what_differs() {
    let project = Project::with_pipeline(SMALL);
    let unknown = project.json(&["cache", "why", "train"]);
    assert_eq!(unknown["standing"], "unknown");
    project.json(&["features"]);
    let unknown = project.pdm(&["cache", "why", "evaluate"]).stdout;
    assert!(unknown.contains("before `train` has run"), "{unknown}");
    let miss = project.json(&["cache", "why", "train"]);
    assert_eq!(
        (&miss["standing"], &miss["why"], &miss["changes"]),
        (&"miss".into(), &"never run before".into(), &Value::Null)
    );
    project.json(&["train"]);
    let hit = project.json(&["cache", "why", "train"]);
    assert_eq!(
        (&hit["standing"], &hit["changes"]),
        (&"hit".into(), &serde_json::json!([])),
        "{hit:#}"
    );
    assert_eq!(hit["key"]["parameters"]["model"]["kind"], "linear");
    assert!(
        hit["outputs"]
            .as_array()
            .unwrap()
            .iter()
            .any(|output| output["path"] == "weights.safetensors")
    );
    project.write(
        "pdm.toml",
        SMALL.replace("kind = \"linear\"", "kind = \"linear\"\nl2 = 3.5"),
    );
    let words = project.pdm(&["cache", "why", "train", "pdm.toml"]).stdout;
    for part in [
        "train: would run",
        "`model.l2`",
        "→ 3.5 (pdm.toml:15)",
        "train_SIM001.txt",
        "output of an earlier stage",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(
        words
            .lines()
            .any(|line| line.starts_with("model.kind") && line.contains("pdm.toml:14")),
        "{words}"
    );
}

/// Two machines that share a folder, or a bucket.
fn shares(url: &str) -> [Project; 2] {
    let text = format!("{SMALL}\n[cache]\nurl = {url:?}\n");
    [Project::with_pipeline(&text), Project::with_pipeline(&text)]
}

fn warned(answer: &Answer, words: &str) {
    assert!(
        answer.code == 0 && answer.stderr.contains(words),
        "{words}: {answer:?}"
    );
}

fn sharing_works(url: &str) {
    let [laptop, ci] = shares(url);
    let first = laptop.json(&["run"]);
    assert!(
        actions(&first)[..5].iter().all(|action| *action == "ran"),
        "{first:#}"
    );
    let second = ci.json(&["run"]);
    assert_eq!(actions(&second)[..5], ["cached"; 5], "{second:#}");
    let why = second["stages"][2]["why"].as_str().unwrap();
    assert!(why.starts_with(&format!("fetched from {url}: ")), "{why}");
    assert_eq!(second["version"]["bundle"], first["version"]["bundle"]);
    assert_eq!(ci.read("pdm.lock"), laptop.read("pdm.lock"));
    // From here on it is a result like any other.
    assert!(ci.pdm(&["run"]).stdout.contains("nothing to do"));
}

#[test]
fn machines_share_results_through_a_folder() {
    let store = tempfile::tempdir().unwrap();
    sharing_works(store.path().to_str().unwrap());
}

#[test]
#[ignore = "needs an S3 server; scripts/test starts one"]
fn machines_share_results_through_a_bucket() {
    let bucket = s3_bucket();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_nanos();
    sharing_works(&format!("s3://{bucket}/cache/{now}-{}", std::process::id()));
}

#[test]
fn a_poisoned_result_is_refused_reported_and_computed() {
    let store = tempfile::tempdir().unwrap();
    let [laptop, ci] = shares(store.path().to_str().unwrap());
    let first = laptop.json(&["train"]);
    let lock: Value = serde_json::from_str(&laptop.read("pdm.lock")).unwrap();
    let weights = lock["stages"][2]["outputs"]["weights.safetensors"]
        .as_str()
        .unwrap();
    let blob = store.path().join("blobs/sha256").join(weights);
    let mut bytes = fs::read(&blob).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&blob, bytes).unwrap();
    let answer = ci.pdm(&["train"]);
    warned(
        &answer,
        "the shared result of `train` is not used; it is computed here",
    );
    assert!(
        answer
            .stderr
            .contains(&format!("blobs/sha256/{weights}` holds bytes of SHA-256")),
        "{answer:?}"
    );
    let second = ci.json(&["train"]);
    assert_eq!(
        fs::read(second["bundle"].as_str().unwrap().to_owned() + "/bundle.json").unwrap(),
        fs::read(first["bundle"].as_str().unwrap().to_owned() + "/bundle.json").unwrap()
    );
    assert_eq!(ci.read("pdm.lock"), laptop.read("pdm.lock"));
}

#[test]
fn the_lock_in_git_is_believed_before_the_store() {
    let store = tempfile::tempdir().unwrap();
    let [laptop, ci] = shares(store.path().to_str().unwrap());
    laptop.json(&["features"]);
    // A user who may write to the store replaces the result by another one, whole and well-formed.
    let entry = fs::read_dir(store.path().join("entries/features"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let text = fs::read_to_string(&entry).unwrap();
    let lock: Value = serde_json::from_str(&laptop.read("pdm.lock")).unwrap();
    let outputs = &lock["stages"][1]["outputs"];
    let [fitted, ranking] =
        ["features.json", "ranking.json"].map(|name| outputs[name].as_str().unwrap());
    let sizes: Value = serde_json::from_str(&text).unwrap();
    let size = |name: &str| {
        let outputs = sizes["outputs"].as_array().unwrap().iter();
        outputs
            .clone()
            .find(|output| output["path"] == name)
            .unwrap()["bytes"]
            .to_string()
    };
    let forged = text
        .replace(fitted, ranking)
        .replace(&size("features.json"), &size("ranking.json"));
    fs::write(&entry, forged).unwrap();
    ci.write("pdm.lock", laptop.read("pdm.lock"));
    let answer = ci.pdm(&["features", "--locked"]);
    warned(&answer, "has another `features.json` than the lock");
    assert_eq!(ci.json(&["features"])["stages"][1]["action"], "cached");
}

#[test]
fn a_reader_shares_nothing_and_a_dead_store_costs_little() {
    let store = tempfile::tempdir().unwrap();
    let url = store.path().join("cache");
    let [laptop, _] = shares(url.to_str().unwrap());
    laptop.json(&["train", "--set", "cache.read_only=true"]);
    assert!(!url.exists());

    let mut command = laptop.command(&["run", "--force", "--set", "cache.url=s3://results"]);
    command
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_ACCESS_KEY_ID", "a");
    let started = Instant::now();
    let output = command
        .env("AWS_SECRET_ACCESS_KEY", "not-to-be-shown")
        .output()
        .unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && words.contains("this run continues without it"),
        "{words}"
    );
    assert_eq!(
        words.matches("shared cache").count(),
        1,
        "reported once: {words}"
    );
    assert!(!words.contains("not-to-be-shown"));
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "{:?}",
        started.elapsed()
    );
    let wrong = laptop.pdm(&["run", "--set", "cache.url=ftp://results"]);
    assert!(
        wrong.code == 2 && wrong.stderr.contains("`ftp://` is not known"),
        "{wrong:?}"
    );
}

#[test]
fn parallel_stages_report_an_unavailable_store_once() {
    let note = "\n[[stage]]\nname = \"note\"\nexec = [\"sh\", \"-c\", \"echo 1 > note.txt\"]\noutputs = [\"note.txt\"]\nbefore = \"gate\"\n";
    let project = Project::with_pipeline(&format!("{SMALL}{note}"));
    let mut command =
        project.command(&["run", "--threads", "2", "--set", "cache.url=s3://results"]);
    command
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_ACCESS_KEY_ID", "a");
    let answer = Answer::of(command.env("AWS_SECRET_ACCESS_KEY", "b"));
    assert_eq!(
        (answer.code, answer.stderr.matches("shared cache").count()),
        (0, 1),
        "{answer:?}"
    );
}
