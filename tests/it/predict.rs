//! `predict`: by reference and by folder, to a table, CSV and Parquet.

use crate::project::{Project, SMALL};

const INPUT: &str = "datasets/simulated/test_SIM001.txt";

fn trained() -> Project {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    project
}

#[test]
fn every_unit_gets_a_prediction_inside_its_interval() {
    let project = trained();
    let predictions = project.json(&["predict", "--model", "small@champion", "--input", INPUT]);
    let predictions = predictions.as_array().unwrap();
    assert_eq!(predictions.len(), 12);
    for p in predictions {
        let [lower, rul, upper] =
            [&p["interval"]["lower"], &p["rul"], &p["interval"]["upper"]].map(|v| v.as_f64().unwrap());
        assert!(0.0 <= lower && lower <= rul && rul <= upper && upper <= 125.0, "{p}");
    }
}

#[test]
fn serving_and_evaluation_predict_the_same() {
    let project = trained();
    project.pdm(&["evaluate", "--predictions", "judged.csv"]);
    project.pdm(&["predict", "--model", "small/1", "--input", INPUT, "--output", "served.csv"]);
    let cut = |text: String| -> Vec<String> {
        text.lines().skip(1).map(|line| line.split(',').take(5).collect::<Vec<_>>().join(",")).collect()
    };
    assert_eq!(cut(project.read("judged.csv")), cut(project.read("served.csv")));
}

#[test]
fn a_history_cut_at_a_cycle_predicts_what_the_whole_one_does_there() {
    let project = trained();
    let whole = project.json(&["predict", "-m", "small@champion", "-i", INPUT, "--unit", "3", "--every-cycle"]);
    let first: Vec<_> =
        project.read(INPUT).lines().filter(|l| l.starts_with("3 ")).take(25).map(str::to_owned).collect();
    project.write("cut.txt", first.join("\n") + "\n");
    let cut = project.json(&["predict", "-m", "small@champion", "-i", "cut.txt"]);
    assert_eq!(cut[0], whole[24]);
}

#[test]
fn a_bundle_folder_and_its_registered_version_are_the_same_model() {
    let project = trained();
    let bundle = project.json(&["run"])["bundle"].as_str().unwrap().to_owned();
    let [a, b] = [bundle.as_str(), "small@latest"].map(|model| project.json(&["predict", "-m", model, "-i", INPUT]));
    assert_eq!(a, b);
    let parquet = project.pdm(&["predict", "-m", &bundle, "-i", INPUT, "-o", "rul.parquet"]);
    assert_eq!((parquet.code, parquet.stdout.as_str()), (0, "rul.parquet: 12 predictions\n"));
    assert_eq!(&std::fs::read(project.file("rul.parquet")).unwrap()[..4], b"PAR1");
}

#[test]
fn a_changed_bundle_is_refused_before_it_is_parsed() {
    let project = trained();
    let bundle = project.json(&["run"])["bundle"].as_str().unwrap().to_owned();
    for name in ["weights.safetensors", "features.json", "calibration.json", "profile.json"] {
        let path = std::path::Path::new(&bundle).join(name);
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        *bad.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bad).unwrap();
        let answer = project.pdm(&["predict", "-m", &bundle, "-i", INPUT]);
        assert_eq!(answer.code, 40, "{name}: {answer:?}");
        assert!(answer.stderr.contains(name) && answer.stderr.contains("was changed"), "{}", answer.stderr);
        std::fs::write(&path, good).unwrap();
    }
}

#[test]
fn wrong_names_and_inputs_say_what_and_where() {
    let project = trained();
    for (args, code, words) in [
        (["-m", "small@nobody", "-i", INPUT], 1, "nobody"),
        (["-m", "no such model", "-i", INPUT], 2, "no such model"),
        (["-m", "small@champion", "-i", "absent.txt"], 1, "absent.txt"),
        (["-m", "small@champion", "-i", "pdm.toml"], 1, "pdm.toml"),
    ] {
        let answer = project.pdm(&[&["predict"], &args[..]].concat());
        assert_eq!(answer.code, code, "{answer:?}");
        assert!(answer.stderr.contains(words), "{}", answer.stderr);
    }
    project.write("bad.txt", "1 1 0.0 0.0 100.0 x\n");
    let answer = project.pdm(&["predict", "-m", "small@champion", "-i", "bad.txt"]);
    assert_eq!(answer.code, 10, "{answer:?}");
    assert!(answer.stderr.contains("bad.txt:1"), "{}", answer.stderr);
}

#[test]
fn features_are_exported_to_a_table() {
    let project = Project::with_pipeline(SMALL);
    assert_eq!(project.pdm(&["features", "--output", "features.csv"]).code, 0);
    assert_eq!(project.pdm(&["features", "--output", "features.parquet"]).code, 0);
    let csv = project.read("features.csv");
    let header: Vec<_> = csv.lines().next().unwrap().split(',').collect();
    assert_eq!((&header[..3], header.len()), (&["unit", "cycle", "rul"][..], 3 + 114));
    assert_eq!(std::fs::read(project.file("features.parquet")).unwrap()[..4], *b"PAR1");
}

#[test]
fn no_registered_model_is_used_from_a_damaged_registry() {
    let project = trained();
    assert_eq!(project.pdm(&["predict", "-m", "small@champion", "-i", INPUT]).code, 0);
    let blobs = std::fs::read_dir(project.file("registry/store/blobs/sha256")).unwrap();
    let blobs: Vec<_> = blobs.map(|entry| entry.unwrap().path()).collect();
    assert!(blobs.len() >= 7, "{blobs:?}");
    for blob in blobs {
        let good = std::fs::read(&blob).unwrap();
        let mut bad = good.clone();
        bad[0] ^= 1;
        std::fs::write(&blob, bad).unwrap();
        let answer = project.pdm(&["predict", "-m", "small@champion", "-i", INPUT]);
        assert_eq!(answer.code, 40, "{}: {answer:?}", blob.display());
        std::fs::write(&blob, good).unwrap();
    }
}
