//! A network that learns quantiles goes through the whole pipeline.

use serde_json::Value;

use crate::project::{Project, SMALL};

const NETWORK: &str = "kind = \"gru\"\nsteps = 80\nlearning_rate = 0.02\nhidden = 4\nhead = 3\n\n[train]\nloss = \"quantile\"\n\n[calibrate]\nmethod = \"quantile\"\n";
const INPUT: &str = "datasets/simulated/test_SIM001.txt";

fn trained(network: &str) -> Project {
    let project = Project::with_pipeline(&SMALL.replace("kind = \"linear\"\n", network));
    assert_eq!(project.json(&["run"])["alias"], "champion");
    project
}

fn ends(prediction: &Value) -> [f64; 3] {
    [
        &prediction["interval"]["lower"],
        &prediction["rul"],
        &prediction["interval"]["upper"],
    ]
    .map(|value| value.as_f64().unwrap())
}

#[test]
fn every_prediction_is_within_the_interval_of_the_network() {
    for seeds in ["", "seeds = 2\n"] {
        let project = trained(&NETWORK.replace("[train]\n", &format!("[train]\n{seeds}")));
        let last = project.json(&["predict", "-m", "small@champion", "-i", INPUT]);
        let every = project.json(&[
            "predict",
            "-m",
            "small@champion",
            "-i",
            INPUT,
            "--every-cycle",
        ]);
        let (last, every) = (last.as_array().unwrap(), every.as_array().unwrap());
        assert_eq!(last.len(), 12);
        for [lower, rul, upper] in last.iter().chain(every).map(ends) {
            assert!(
                0.0 <= lower && lower <= rul && rul <= upper && upper <= 125.0,
                "{lower} {rul} {upper}"
            );
        }
        for prediction in last {
            let same = every
                .iter()
                .find(|p| (&p["unit"], &p["cycle"]) == (&prediction["unit"], &prediction["cycle"]));
            let apart = ends(prediction)
                .into_iter()
                .zip(ends(same.unwrap()))
                .map(|(a, b)| (a - b).abs());
            assert!(apart.fold(0.0, f64::max) < 1e-3, "{prediction} {same:?}");
        }
    }
}

#[test]
fn the_other_method_takes_the_middle_for_the_prediction() {
    let split = NETWORK.replace("method = \"quantile\"", "method = \"split_conformal\"");
    let [quantile, split] = [NETWORK, &split].map(|network| {
        trained(network)
            .json(&["predict", "-m", "small@champion", "-i", INPUT])
            .as_array()
            .unwrap()
            .clone()
    });
    assert!(
        quantile
            .iter()
            .zip(&split)
            .all(|(a, b)| a["rul"] == b["rul"])
    );
    assert!(
        quantile
            .iter()
            .zip(&split)
            .any(|(a, b)| a["interval"] != b["interval"])
    );
}

#[test]
fn a_bundle_whose_model_has_no_intervals_is_refused() {
    let project = trained(NETWORK);
    let bundle = project.json(&["run"])["bundle"]
        .as_str()
        .unwrap()
        .to_owned();
    let plain = Project::with_pipeline(&SMALL.replace(
        "kind = \"linear\"\n",
        "kind = \"gru\"\nsteps = 80\nlearning_rate = 0.02\nhidden = 4\nhead = 3\n",
    ));
    let other = plain.json(&["run"])["bundle"].as_str().unwrap().to_owned();
    // The manifest vouches for its files, so it takes one that was put together wrongly.
    let manifest = project.read(&format!("{bundle}/bundle.json"));
    let find = |text: &str| {
        let manifest: Value = serde_json::from_str(text).unwrap();
        let files = manifest["files"].as_array().unwrap();
        let file = files
            .iter()
            .find(|file| file["name"] == "weights.safetensors")
            .unwrap();
        file["sha256"].as_str().unwrap().to_owned()
    };
    let plain_manifest = plain.read(&format!("{other}/bundle.json"));
    project.write(
        "mixed/bundle.json",
        manifest.replace(&find(&manifest), &find(&plain_manifest)),
    );
    for name in [
        "features.json",
        "calibration.json",
        "contents.json",
        "profile.json",
    ] {
        project.write(
            &format!("mixed/{name}"),
            std::fs::read(project.file(&format!("{bundle}/{name}"))).unwrap(),
        );
    }
    let weights = std::fs::read(plain.file(&format!("{other}/weights.safetensors"))).unwrap();
    project.write("mixed/weights.safetensors", weights);
    let answer = project.pdm(&["predict", "-m", "mixed", "-i", INPUT]);
    assert_ne!(answer.code, 0);
    assert!(
        answer.stderr.contains("a model without intervals"),
        "{}",
        answer.stderr
    );
}
