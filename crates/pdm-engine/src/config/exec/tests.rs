//! Tests of `[[stage]]`: options, paths and the graph.

use super::paths::is_within_project;
use super::*;
use crate::config::{PipelineSpec, Stage};

const TABLE: &str = "version = 1\n[project]\nname = \"x\"\n[dataset]\nkind = \"table\"\ntrain = \"data/units.csv\"\n\
                     unit = \"unit\"\ncycle = \"cycle\"\nsensors = [\"a\"]\n";

fn load(stages: &str) -> Result<PipelineSpec, String> {
    let text = format!("{TABLE}{stages}");
    PipelineSpec::load(&text, "pdm.toml", &[], &|_| None)
        .map(|loaded| loaded.0)
        .map_err(|error| error.to_string())
}

fn stage(name: &str, keys: &str) -> String {
    format!("[[stage]]\nname = \"{name}\"\nexec = [\"true\"]\n{keys}\n")
}

fn order(stages: &str, until: Stage) -> Vec<String> {
    let spec = load(stages).unwrap();
    let graph = ExecGraph::of(&spec);
    graph
        .order(until)
        .into_iter()
        .map(|node| graph.step(node).to_string())
        .collect()
}

#[test]
fn the_files_of_a_stage_determine_its_place() {
    let stages = [
        stage("report", "after = \"evaluate\"\ninputs = [\"out/*.svg\"]"),
        stage(
            "plot",
            "after = \"features\"\noutputs = [\"./out/plot.svg\"]",
        ),
        stage(
            "clean",
            "before = \"gate\"\ninputs = [\"raw\"]\noutputs = [\"data/units.csv\"]",
        ),
        stage("fetch", "before = \"gate\"\noutputs = [\"raw/a/b.csv\"]"),
    ]
    .concat();
    let expected = [
        "fetch",
        "clean",
        "validate",
        "features",
        "plot",
        "train",
        "calibrate",
        "evaluate",
        "report",
    ];
    assert_eq!(order(&stages, Stage::Evaluate), expected);
    assert_eq!(order(&stages, Stage::Features), expected[..5]);
    assert_eq!(order(&stages, Stage::Validate), expected[..3]);
    let spec = load(&stages).unwrap();
    assert_eq!(ExecGraph::of(&spec).needed_for(Stage::Promote).len(), 4);
}

#[test]
fn what_nothing_up_to_the_stage_waits_for_is_not_needed() {
    let both = stage("check", "after = \"features\"\nbefore = \"gate\"");
    assert!(!order(&both, Stage::Evaluate).contains(&"check".to_owned()));
    assert_eq!(order(&both, Stage::Gate)[2], "check");
}

#[test]
fn a_file_keeps_its_stages_as_they_were_written() {
    let spec = load(&stage(
        "a",
        "before = \"train\"\nenv = [\"SITE\"]\nsecrets = [\"TOKEN\"]\ntimeout = \"10min\"",
    ))
    .unwrap();
    let again = PipelineSpec::load(&spec.to_toml(), "pdm.toml", &[], &|_| None)
        .unwrap()
        .0;
    assert_eq!(again, spec);
}

#[test]
fn mistakes_are_shown_with_their_place() {
    let stages = [
        stage("train", "outputs = [\"../a\", \"b*\", \".pdm-ml/c\", \"data/\"]\nbefore = \"train\""),
        stage("Plot it", "after = \"gate\"\nbefore = \"train\"\nenv = [\"A=1\"]\ntimeout = \"0s\""),
        "[[stage]]\nname = \"none\"\nexec = []\ninputs = [\"a[\"]\noutputs = [\"a\", \"./a\"]\nsecrets = [\"$X\"]\n"
            .to_owned(),
        stage("self", "before = \"tran\"\ninputs = [\"data\"]\noutputs = [\"data/a\"]"),
    ];
    insta::assert_snapshot!(load(&stages.concat()).unwrap_err(), @r#"
    error[E0125]: `stage.0.name`: "train" is already the name of a stage
      --> pdm.toml:11:8
       |
    11 | name = "train"
       |        ^^^^^^^

    error[E0182]: `stage.0.outputs.0`: `../a` is not the path of one file in the project's folder
      --> pdm.toml:13:12
       |
    13 | outputs = ["../a", "b*", ".pdm-ml/c", "data/"]
       |            ^^^^^^

    error[E0182]: `stage.0.outputs.1`: `b*` is not the path of one file in the project's folder
      --> pdm.toml:13:20
       |
    13 | outputs = ["../a", "b*", ".pdm-ml/c", "data/"]
       |                    ^^^^

    error[E0182]: `stage.0.outputs.2`: `.pdm-ml/c` is in the folder of the cache
      --> pdm.toml:13:26
       |
    13 | outputs = ["../a", "b*", ".pdm-ml/c", "data/"]
       |                          ^^^^^^^^^^^

    error[E0182]: `stage.0.outputs.3`: `data/` is not the path of one file in the project's folder
      --> pdm.toml:13:39
       |
    13 | outputs = ["../a", "b*", ".pdm-ml/c", "data/"]
       |                                       ^^^^^^^

    error[E0121]: `stage.1.name`: "Plot it" is not a name of lower-case letters, digits, `-` and `_`
      --> pdm.toml:16:8
       |
    16 | name = "Plot it"
       |        ^^^^^^^^^

    error[E0180]: `stage.1.before`: `train` comes before `gate`, and the program must run after that
      --> pdm.toml:19:10
       |
    19 | before = "train"
       |          ^^^^^^^

    error[E0122]: `stage.1.env.0`: `A=1` is not the name of a variable
      --> pdm.toml:20:8
       |
    20 | env = ["A=1"]
       |        ^^^^^ write only the name, without `$` and without a value

    error[E0110]: `stage.1.timeout` must be more than 0
      --> pdm.toml:21:11
       |
    21 | timeout = "0s"
       |           ^^^^ leave the key out for no limit

    error[E0124]: [[stage]] needs `before` or `after`: its place between the named stages
      --> pdm.toml:22:1
       |
    22 | [[stage]]
       | ^^^^^^^^^ write `before = "validate"` for a program that makes data

    error[E0110]: `stage.2.exec` names no program
      --> pdm.toml:24:8
       |
    24 | exec = []
       |        ^^ exec = ["./scripts/clean.sh", "an argument"]

    error[E0182]: `stage.2.inputs.0`: `a[` is not a pattern: invalid range pattern
      --> pdm.toml:25:11
       |
    25 | inputs = ["a["]
       |           ^^^^

    error[E0125]: `stage.2.outputs.1`: `./a` is named twice
      --> pdm.toml:26:17
       |
    26 | outputs = ["a", "./a"]
       |                 ^^^^^

    error[E0122]: `stage.2.secrets.0`: `$X` is not the name of a variable
    --> pdm.toml:27:12
     = help: write only the name, without `$` and without a value

    error[E0111]: unknown value "tran" for `stage.3.before`
      --> pdm.toml:31:10
       |
    31 | before = "tran"
       |          ^^^^^^ did you mean `train`?

    error[E0181]: `stage.3.outputs.0`: `data/a` is also an input, so every run would require another
      --> pdm.toml:33:12
       |
    33 | outputs = ["data/a"]
       |            ^^^^^^^^
    "#);
}

#[test]
fn stages_that_wait_for_themselves_are_refused() {
    let circle = [
        stage(
            "a",
            "before = \"gate\"\ninputs = [\"b.txt\"]\noutputs = [\"a.txt\"]",
        ),
        stage(
            "b",
            "before = \"gate\"\ninputs = [\"a.txt\"]\noutputs = [\"b.txt\"]",
        ),
        stage(
            "late",
            "after = \"features\"\noutputs = [\"data/units.csv\"]",
        ),
        stage("late", "after = \"features\"\noutputs = [\"a.txt\"]"),
    ];
    insta::assert_snapshot!(load(&circle.concat()).unwrap_err(), @r#"
    error[E0180]: `stage.0.inputs`: waits for itself: `a` waits for `b` waits for `a`
      --> pdm.toml:14:10
       |
    14 | inputs = ["b.txt"]
       |          ^^^^^^^^^

    error[E0180]: `stage.2.after`: waits for itself: `late` waits for `features` waits for `validate` waits for `late`
      --> pdm.toml:25:9
       |
    25 | after = "features"
       |         ^^^^^^^^^^

    error[E0125]: `stage.3.name`: a stage `late` is written above
      --> pdm.toml:28:8
       |
    28 | name = "late"
       |        ^^^^^^

    error[E0181]: `stage.3.outputs.0`: `a.txt` is already made by `a`
      --> pdm.toml:31:12
       |
    31 | outputs = ["a.txt"]
       |            ^^^^^^^
    "#);
}

#[test]
fn a_path_takes_in_what_it_names() {
    let cases = [
        ("raw", "raw/a/b.csv", true),
        ("./raw/", "raw/a.csv", true),
        ("raw", "rawer/a.csv", false),
        ("raw/*.csv", "raw/a.csv", true),
        ("raw/*.csv", "raw/a/b.csv", false),
        ("raw/**/*.csv", "raw/a/b.csv", true),
        ("a.csv", "./a.csv", true),
    ];
    for (input, path, expected) in cases {
        assert_eq!(covers(input, path), expected, "{input} {path}");
    }
    assert_eq!(
        ["a/b", "./a", "../a", "/a", "", "."].map(is_within_project),
        [true, true, false, false, false, false]
    );
}
