//! A stack of models goes through the whole pipeline.

use crate::project::{Project, SMALL};

const MEMBERS: &str = "kind = \"stack\"\n\n[[model.member]]\nkind = \"linear\"\n\n[[model.member]]\nkind = \"gbdt\"\nrounds = 20\n\n\
                       [[model.member]]\nkind = \"gru\"\nsteps = 6\nhidden = 4\nhead = 3\n\n[train]\nseeds = 2\n";

fn project() -> Project {
    Project::with_pipeline(&SMALL.replace("kind = \"linear\"\n", MEMBERS))
}

#[test]
fn a_stack_is_promoted_predicts_and_says_what_its_members_count() {
    let project = project();
    let outcome = project.json(&["run"]);
    assert_eq!(outcome["alias"], "champion", "{outcome:#}");
    let train = outcome["stages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["stage"] == "train")
        .unwrap();
    let members = train["summary"]["figures"]["members"].as_array().unwrap();
    let names: Vec<_> = members
        .iter()
        .map(|member| member["member"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["member-1-linear", "member-2-gbdt", "member-3-gru"]);
    let weights: f64 = members
        .iter()
        .map(|member| member["weight"].as_f64().unwrap())
        .sum();
    assert!((weights - 1.0).abs() < 1e-9);
    assert!(
        train["summary"]["text"]
            .as_str()
            .unwrap()
            .contains(" gbdt + "),
        "{train:#}"
    );

    let run = project.json(&["runs", "show", outcome["run"].as_str().unwrap()]);
    let metric = |name: &str| run["metrics"][name][0]["value"].as_f64();
    assert_eq!(
        metric("stack/member-1-linear/weight"),
        members[0]["weight"].as_f64()
    );
    assert_eq!(
        metric("stack/member-3-gru/out_of_fold_rmse"),
        members[2]["out_of_fold_rmse"].as_f64()
    );
    assert!(
        metric("fold-1/member-2-gbdt/seed-2/gbdt/train_rmse").is_some(),
        "{:#}",
        run["metrics"]
    );

    let fleet = "datasets/simulated/test_SIM001.txt";
    let predictions = project.json(&["predict", "--model", "small@champion", "--input", fleet]);
    assert_eq!(
        predictions.as_array().map(Vec::len),
        Some(12),
        "{predictions:#}"
    );
}

#[test]
fn the_same_stack_gives_the_same_bytes_at_any_number_of_threads() {
    let bundles = ["1", "2"]
        .map(|threads| project().json(&["run", "--threads", threads])["version"]["bundle"].clone());
    assert_eq!(bundles[0], bundles[1]);
}

#[test]
fn a_mistake_in_a_member_ends_with_the_code_for_mistakes() {
    let project = project();
    let answer = project.pdm(&["plan", "--set", "model.member.1.rounds=0"]);
    assert_eq!(answer.code, 2);
    assert!(
        answer.stderr.contains("`model.member.1.rounds` is 0"),
        "{}",
        answer.stderr
    );
}
