//! Tests of reading a pipeline: every mistake is found, shown and explained.

use proptest::prelude::*;

use super::*;
use pdm_models::models::{ModelOptions, StackOptions};

const SMALLEST: &str = "version = 1\n[project]\nname = \"demo\"\n[dataset]\nkind = \"simulated\"\n";

fn no_environment(_: &str) -> Option<String> {
    None
}

fn load(text: &str, overrides: &[&str]) -> Result<(PipelineSpec, Origins), SpecErrors> {
    let overrides: Vec<_> = overrides.iter().map(|text| (*text).to_owned()).collect();
    PipelineSpec::load(text, "pdm.toml", &overrides, &no_environment)
}

fn errors(text: &str, overrides: &[&str]) -> String {
    load(text, overrides).unwrap_err().to_string()
}

#[test]
fn ten_mistakes_are_shown_at_once() {
    let file = r#"version = 1

[project]
name = "turbofan-fd002"
seed = -1

[dataset]
kind = "cmapss"
subset = "FD005"

[split]
folds = "5"

[features]
regimes = 1
half_lives = [4.0, "15"]
windowcycles = 30

[modle]
kind = "gbdt"

[model]
kind = "gbdt"
learning_rat = 1e-3
rounds = 0
hidden = 48

[calibrate]
coverage = 90

[[gate]]
metric = "rsme"
rule = "at_most"
value = 16.0

[[gate]]
rule = "between"

[registry]
promote = "yes"
"#;
    insta::assert_snapshot!(errors(file, &[]), @r#"
    error[E0110]: expected a whole number of at least 0 for `project.seed`, found the number -1
     --> pdm.toml:5:8
      |
    5 | seed = -1
      |        ^^

    error[E0111]: unknown value "FD005" for `dataset.subset`
     --> pdm.toml:9:10
      |
    9 | subset = "FD005"
      |          ^^^^^^^ expected `FD001`, `FD002`, `FD003` or `FD004`

    error[E0109]: expected a whole number of at least 0 for `split.folds`, found the string "5"
      --> pdm.toml:12:9
       |
    12 | folds = "5"
       |         ^^^ write 5 without quotes

    error[E0109]: expected a number for `features.half_lives`, found the string "15"
      --> pdm.toml:16:20
       |
    16 | half_lives = [4.0, "15"]
       |                    ^^^^ write 15 without quotes

    error[E0107]: unknown key `windowcycles` in [features]
      --> pdm.toml:17:1
       |
    17 | windowcycles = 30
       | ^^^^^^^^^^^^ did you mean `window_cycles`?

    error[E0105]: unknown section `modle` at the top level
      --> pdm.toml:19:2
       |
    19 | [modle]
       |  ^^^^^ did you mean `model`?

    error[E0107]: unknown key `learning_rat` in [model]
      --> pdm.toml:24:1
       |
    24 | learning_rat = 1e-3
       | ^^^^^^^^^^^^ did you mean `learning_rate`?

    error[E0110]: `model.rounds` is 0, and must be from 1 to 100000
      --> pdm.toml:25:10
       |
    25 | rounds = 0
       |          ^

    error[E0107]: unknown key `hidden` in [model]
      --> pdm.toml:26:1
       |
    26 | hidden = 48
       | ^^^^^^ a key of kind `gru` or `lstm`, not of `gbdt`

    error[E0110]: `calibrate.coverage`: 90 is not a share from 0.5 to below 1
      --> pdm.toml:29:12
       |
    29 | coverage = 90
       |            ^^ 0.9

    error[E0111]: unknown value "rsme" for `gate.0.metric`
      --> pdm.toml:32:10
       |
    32 | metric = "rsme"
       |          ^^^^^^ did you mean `rmse`?

    error[E0108]: missing key `metric` in [[gate]]
      --> pdm.toml:36:1
       |
    36 | [[gate]]
       | ^^^^^^^^

    error[E0109]: expected true or false for `registry.promote`, found the string "yes"
      --> pdm.toml:40:11
       |
    40 | promote = "yes"
       |           ^^^^^ write true
    "#);
}

#[test]
fn mistakes_across_sections_are_found() {
    let file = r#"version = 1
project = { name = "x" }
dataset = { kind = "cmapss", subset = "FD002" }
features = { regimes = 1, sensors = ["s_2", "s_22"] }
split.folds = 300
calibrate.coverage = 0.999
validate.ranges = { s_1 = [0.0, 1000.0], s_0 = [0.0, 1.0] }
gate = [
    { metric = "rmse", rule = "at_most", value = 16.0 },
    { metric = "mae", rule = "at_most", value = 16.0 },
    { metric = "rmse", rule = "at_most", value = 16.0 },
    { metric = "coverage", rule = "between", low = 0.8, high = 0.9 },
]
"#;
    insta::assert_snapshot!(errors(file, &[]), @r#"
    error[E0127]: `features.regimes`: 1 ignores the settings, but FD002 has 6 operating regimes
     --> pdm.toml:4:24
      |
    4 | features = { regimes = 1, sensors = ["s_2", "s_22"] }
      |                        ^ 0 detects the number

    error[E0126]: `features.sensors.1`: the data has no sensor `s_22`
     --> pdm.toml:4:45
      |
    4 | features = { regimes = 1, sensors = ["s_2", "s_22"] }
      |                                             ^^^^^^
      |
      = help: expected `s_1`, `s_2`, `s_3`, `s_4`, `s_5`, `s_6`, `s_7`, `s_8`, `s_9`, `s_10`, `s_11`, `s_12`, …

    error[E0128]: `split.folds`: 300 folds are more than the 260 training units
     --> pdm.toml:5:15
      |
    5 | split.folds = 300
      |               ^^^ at most 260

    error[E0129]: `calibrate.coverage`: 0.999 cannot be reached with 260 training units
     --> pdm.toml:6:22
      |
    6 | calibrate.coverage = 0.999
      |                      ^^^^^ at most 0.99, or at least 1249 units

    error[E0126]: `validate.ranges.s_0`: the data has no column `s_0`
     --> pdm.toml:7:48
      |
    7 | validate.ranges = { s_1 = [0.0, 1000.0], s_0 = [0.0, 1.0] }
      |                                                ^^^^^^^^^^
      |
      = help: one of op_1, op_2, op_3, s_1, s_2, s_3, s_4, s_5, s_6, s_7, s_8, s_9, s_10, s_11, s_12, s_13, s_14, s_15, s_16, s_17, s_18, s_19, s_20, s_21

    error[E0125]: [[gate]]: the same gate is written above
      --> pdm.toml:11:5
       |
    11 |     { metric = "rmse", rule = "at_most", value = 16.0 },
       |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    error[E0132]: `gate.3.high`: 0.9 excludes 0.999, the coverage set in [calibrate]
      --> pdm.toml:12:64
       |
    12 |     { metric = "coverage", rule = "between", low = 0.8, high = 0.9 },
       |                                                                ^^^
    "#);
}

#[test]
fn quantiles_need_a_network_that_learns_them() {
    let file = |model: &str, rest: &str| format!("{SMALLEST}\n[model]\nkind = \"{model}\"\n{rest}");
    let stack = "[[model.member]]\nkind = \"gru\"\n[[model.member]]\nkind = \"lstm\"\n";
    let learnt = "[train]\nloss = \"quantile\"\n";
    let calibrated = "[calibrate]\nmethod = \"quantile\"\n";
    for rest in [learnt.to_owned(), format!("{learnt}{calibrated}")] {
        assert!(load(&file("gru", &rest), &[]).is_ok());
    }
    insta::assert_snapshot!(errors(&file("gbdt", &format!("{learnt}{calibrated}")), &[]), @r#"
    error[E0130]: `train.loss`: only networks learn quantiles, and [model] is `gbdt`
      --> pdm.toml:10:8
       |
    10 | loss = "quantile"
       |        ^^^^^^^^^^
       |
       = help: set `kind` in [model] to a network such as `gru`, or another loss
    "#);
    insta::assert_snapshot!(errors(&file("stack", &format!("{stack}{learnt}")), &[]), @r#"
    error[E0130]: `train.loss`: only networks learn quantiles, and [model] is `stack`
      --> pdm.toml:14:8
       |
    14 | loss = "quantile"
       |        ^^^^^^^^^^
       |
       = help: set `kind` in [model] to a network such as `gru`, or another loss
    "#);
    insta::assert_snapshot!(errors(&file("gru", calibrated), &[]), @r#"
    error[E0131]: `calibrate.method`: quantile calibrates the intervals of a network that learns them
      --> pdm.toml:10:10
       |
    10 | method = "quantile"
       |          ^^^^^^^^^^ set `loss = "quantile"` in [train], or use `split_conformal`
    "#);
    insta::assert_snapshot!(errors(&file("gru", "[train]\nloss = \"quantile\"\nquantiles = [0.5, 0.1, 0.9]"), &[]), @r#"
    error[E0110]: `train.quantiles` must ascend between 0 and 1, not 0.5, 0.1, 0.9
      --> pdm.toml:11:13
       |
    11 | quantiles = [0.5, 0.1, 0.9]
       |             ^^^^^^^^^^^^^^^ such as [0.05, 0.5, 0.95]
    "#);
    insta::assert_snapshot!(errors(&file("gru", "[train]\nloss = \"quantile\"\nquantiles = [0.1, 0.9]"), &[]), @r#"
    error[E0110]: expected an array of 3 values for `train.quantiles`, found 2
      --> pdm.toml:11:13
       |
    11 | quantiles = [0.1, 0.9]
       |             ^^^^^^^^^^
    "#);
}

#[test]
fn overrides_are_shown_instead_of_the_file() {
    let overrides = [
        "split.fold=10",
        "model.kind=gru",
        "model.hiden=64",
        "modle.kind=gru",
        "gate.0.value=1",
        "nonsense",
    ];
    insta::assert_snapshot!(errors(SMALLEST, &overrides), @"
    error[E0107]: unknown key `fold` in [split]
     --> command line:1:13
      |
    1 | --set split.fold=10
      |             ^^^^ did you mean `folds`?

    error[E0107]: unknown key `hiden` in [model]
     --> command line:1:13
      |
    1 | --set model.hiden=64
      |             ^^^^^ did you mean `hidden`?

    error[E0105]: unknown section `modle` at the top level
     --> command line:1:7
      |
    1 | --set modle.kind=gru
      |       ^^^^^ did you mean `model`?

    error[E0113]: `gate` is a list of tables
     --> command line:1:7
      |
    1 | --set gate.0.value=1
      |       ^^^^ write [[gate]]

    error[E0116]: `--set nonsense` has no `=`
     --> command line:1:1
      |
    1 | --set nonsense
      | ^^^^^^^^^^^^^^ write KEY=VALUE, such as `--set split.folds=10`
    ");
}

#[test]
fn what_is_absent_is_reported() {
    insta::assert_snapshot!(errors("version = 1", &[]), @r#"
    error[E0106]: section [project] is missing
    --> pdm.toml
     = help: add [project] with `name = "…"`

    error[E0106]: section [dataset] is missing
    --> pdm.toml
     = help: add [dataset] with `kind = "…"`
    "#);
    insta::assert_snapshot!(errors("[project]\nname = \"x\"", &[]), @"
    error[E0104]: missing key `version`
    --> pdm.toml
     = help: write `version = 3` at the top
    ");
    insta::assert_snapshot!(errors("version = 4\n[nobody knows]", &[]), @"
    error[E0101]: unclosed table, expected `]`
     --> pdm.toml:2:8
      |
    2 | [nobody knows]
      |        ^
    ");
    insta::assert_snapshot!(errors("version = 4\n[later]", &[]), @"
    error[E0104]: the format version is 4, but this program reads versions 1 to 3
     --> pdm.toml:1:11
      |
    1 | version = 4
      |           ^ the file is for a newer pdm-ml; install that version
    ");
    insta::assert_snapshot!(errors("version = 1\n[project]\n[dataset]\nkind = 1\n[model]\nrounds = 3\n[gate]", &[]), @"
    error[E0108]: missing key `name` in [project]
     --> pdm.toml:2:2
      |
    2 | [project]
      |  ^^^^^^^

    error[E0109]: expected a string for `dataset.kind`, found the number 1
     --> pdm.toml:4:8
      |
    4 | kind = 1
      |        ^ expected `cmapss`, `simulated` or `table`

    error[E0108]: missing key `kind` in [model]
     --> pdm.toml:5:2
      |
    5 | [model]
      |  ^^^^^
      |
      = help: expected `linear`, `gbdt`, `gru`, `lstm`, `cnn`, `tcn`, `transformer` or `stack`

    error[E0113]: `gate` is a list of tables
     --> pdm.toml:7:1
      |
    7 | [gate]
      | ^^^^^^ write [[gate]]
    ");
}

#[test]
fn broken_toml_is_one_finding_in_the_words_of_the_parser() {
    insta::assert_snapshot!(errors("version = 1\n[project\nname = demo\nseed = = 1\n", &[]), @"
    error[E0101]: unclosed table, expected `]`
     --> pdm.toml:2:9
      |
    2 | [project
      |         ^
    ");
    insta::assert_snapshot!(errors("version = 1\n[a]\nx = 'abc", &[]), @"
    error[E0101]: invalid literal string, expected `'`
     --> pdm.toml:3:9
      |
    3 | x = 'abc
      |         ^
    ");
    insta::assert_snapshot!(errors("version = 1\nversion = 1\n", &[]), @"
    error[E0115]: duplicate key
     --> pdm.toml:2:1
      |
    2 | version = 1
      | ^^^^^^^
    ");
    insta::assert_snapshot!(errors("[split]\nx = 1\ny = 1\n[split]\nx = 1\ny = 1\n", &[]), @"
    error[E0115]: duplicate key
     --> pdm.toml:4:2
      |
    4 | [split]
      |  ^^^^^
    ");
    insta::assert_snapshot!(errors("a = { b = 1 }\na.c = 2\n", &[]), @"
    error[E0115]: cannot extend value of type inline table with a dotted key
     --> pdm.toml:2:1
      |
    2 | a.c = 2
      | ^
    ");
    let unclosed = errors(
        "version = 1\n[features]\nhalf_lives = [4,\nwindow_cycles = 3\n[model]\n",
        &[],
    );
    assert_eq!(unclosed.matches("error[E0101]").count(), 1, "{unclosed}");
}

#[test]
fn many_mistakes_in_the_grammar_are_found_in_little_time() {
    let escapes = format!("x = \"{}\"", "\\q".repeat(160_000));
    let lines = "x = y\n".repeat(40_000);
    let keys: String = (0..20_000).map(|key| format!("k{key} = 1\n")).collect();
    let twice = format!("[a]\n{keys}[a]\n{keys}");
    for text in [escapes, lines, twice] {
        assert_eq!(load(&text, &[]).unwrap_err().problems().len(), 1);
    }
}

#[test]
fn a_misspelt_kind_does_not_hide_the_rest_of_its_table() {
    let file = SMALLEST.replace("simulated", "cmaps")
        + "subset = 4\npaht = \"x\"\n[model]\nkind = \"svm\"\nx = 1\n";
    insta::assert_snapshot!(errors(&file, &[]), @r#"
    error[E0112]: unknown kind "cmaps" in [dataset]
     --> pdm.toml:5:8
      |
    5 | kind = "cmaps"
      |        ^^^^^^^ did you mean `cmapss`?

    error[E0109]: expected a string for `dataset.subset`, found the number 4
     --> pdm.toml:6:10
      |
    6 | subset = 4
      |          ^

    error[E0107]: unknown key `paht` in [dataset]
     --> pdm.toml:7:1
      |
    7 | paht = "x"
      | ^^^^ did you mean `path`?

    error[E0112]: unknown kind "svm" in [model]
     --> pdm.toml:9:8
      |
    9 | kind = "svm"
      |        ^^^^^
      |
      = help: expected `linear`, `gbdt`, `gru`, `lstm`, `cnn`, `tcn`, `transformer` or `stack`
    "#);
}

#[test]
fn a_misplaced_secret_is_not_repeated() {
    let shown = errors(
        &format!("{SMALLEST}[tracking]\ntoken_env = \"hunter2 !\"\n"),
        &[],
    );
    assert!(!shown.contains("hunter2"), "{shown}");
    insta::assert_snapshot!(shown, @"
    error[E0122]: `tracking.token_env`: not the name of an environment variable
    --> pdm.toml:7:13
     = help: write the variable's name (letters, digits, underscores), not its value
    ");
}

#[test]
fn a_line_that_may_hold_a_secret_is_not_shown() {
    let lines = [
        "token_env = hunter2",
        "token_env: hunter2",
        "password_env = \"hunter2",
        "mlflow_url = http://ann:hunter2@host",
        "mlflow_url = \"http://ann:hunter2@host\"",
        "url = \"s3://ann:hunter2@bucket\"",
        "key_env hunter2",
    ];
    for line in lines {
        let shown = errors(&format!("{SMALLEST}[tracking]\n{line}\n"), &[]);
        assert!(
            !shown.contains("hunter2") && shown.contains("pdm.toml:7:"),
            "{shown}"
        );
    }
    // The line itself names no secret; its section, or the line that the value begins on, does.
    let sections = [
        "[[notify]]\nurl = hunter2\n",
        "[[notify]]\nurl hunter2\n",
        "[schedule.secrets]\nPLANT = hunter2\n",
        "[profile.ci.schedule.secrets]\nPLANT = hunter2\n",
        "[tracking]\ntoken_env = [\n\"hunter2\n]\n",
        "notify = [\n  { kind = \"webhook\", url = hunter2 },\n]\n",
    ];
    for section in sections {
        let shown = errors(&format!("version = 2\n{section}"), &[]);
        assert!(
            !shown.contains("hunter2") && shown.contains("pdm.toml:"),
            "{shown}"
        );
    }
    let shown = errors(SMALLEST, &["tracking.mlflow_url=http://ann:hunter2@host"]);
    assert!(
        !shown.contains("hunter2") && shown.contains("command line:1:"),
        "{shown}"
    );
}

#[test]
fn numbers_without_bound_are_refused() {
    let file = format!(
        "{SMALLEST}[calibrate]\ncoverage = nan\n[features]\nhalf_lives = [inf, 1e999]\n[train]\nfirst_row = 9223372036854775808\n"
    );
    insta::assert_snapshot!(errors(&file, &[]), @"
    error[E0114]: the number for `calibrate.coverage` is not finite
     --> pdm.toml:7:12
      |
    7 | coverage = nan
      |            ^^^

    error[E0114]: the number for `features.half_lives.0` is not finite
     --> pdm.toml:9:15
      |
    9 | half_lives = [inf, 1e999]
      |               ^^^

    error[E0114]: the number for `features.half_lives.1` is not finite
     --> pdm.toml:9:20
      |
    9 | half_lives = [inf, 1e999]
      |                    ^^^^^

    error[E0114]: the number for `train.first_row` does not fit into a signed 64-bit integer
      --> pdm.toml:11:13
       |
    11 | first_row = 9223372036854775808
       |             ^^^^^^^^^^^^^^^^^^^
    ");
}

#[test]
fn the_environment_reaches_names_paths_and_urls_only() {
    let file = r#"version = 1
[project]
name = "${env:PDM_NAME:-demo}"
[dataset]
kind = "cmapss"
path = "${env:PDM_DATA}/cmapss"
subset = "${env:SUBSET:-FD001}"
[registry]
url = "${env:BUCKET}"
"#;
    insta::assert_snapshot!(errors(file, &[]), @r#"
    error[E0119]: environment variable `PDM_DATA` is not set
     --> pdm.toml:6:8
      |
    6 | path = "${env:PDM_DATA}/cmapss"
      |        ^^^^^^^^^^^^^^^^^^^^^^^^ set it, or give a default: ${env:PDM_DATA:-default}

    error[E0118]: `${env:…}` has no meaning in `dataset.subset`
     --> pdm.toml:7:10
      |
    7 | subset = "${env:SUBSET:-FD001}"
      |          ^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: only names, paths and URLs can come from the environment; use --set for other values

    error[E0119]: environment variable `BUCKET` is not set
     --> pdm.toml:9:7
      |
    9 | url = "${env:BUCKET}"
      |       ^^^^^^^^^^^^^^^ set it, or give a default: ${env:BUCKET:-default}
    "#);
    let env = |name: &str| (name == "PDM_DATA").then(|| "/data".to_owned());
    let file = file
        .replace("${env:SUBSET:-FD001}", "FD001")
        .replace("${env:BUCKET}", "registry/store");
    let (spec, origins) = PipelineSpec::load(&file, "pdm.toml", &[], &env).unwrap();
    assert!(spec.to_toml().contains("path = \"/data/cmapss\""));
    assert_eq!(
        origins.place("dataset.path").as_deref(),
        Some("pdm.toml:6 (environment: PDM_DATA)")
    );
}

#[test]
fn every_value_knows_who_wrote_it() {
    let file = format!("{SMALLEST}[[gate]]\nmetric = \"rmse\"\nrule = \"at_most\"\nvalue = 20.0\n");
    let (_, origins) = load(&file, &["split.folds=3", "model={kind=\"gbdt\", rounds=9}"]).unwrap();
    let places = [
        "version",
        "project.name",
        "project.seed",
        "split.folds",
        "model.rounds",
        "gate.0.value",
        "features.regimes",
    ]
    .map(|key| {
        format!(
            "{key}: {}",
            origins.place(key).unwrap_or_else(|| "default".to_owned())
        )
    });
    insta::assert_snapshot!(places.join("\n"), @r#"
    version: pdm.toml:1
    project.name: pdm.toml:3
    project.seed: default
    split.folds: --set split.folds=3
    model.rounds: --set model={kind="gbdt", rounds=9}
    gate.0.value: pdm.toml:9
    features.regimes: default
    "#);
    let json = serde_json::to_value(&origins).unwrap();
    assert_eq!(
        json[0],
        serde_json::json!({
            "key": "version",
            "value": 1,
            "layer": "file",
            "source": {"from": "file", "file": "pdm.toml", "line": 1},
        })
    );
}

#[test]
fn errors_have_a_json_form() {
    let errors = load(&format!("{SMALLEST}[split]\nfold = 5\n"), &["a.b=1"]).unwrap_err();
    insta::assert_json_snapshot!(errors, @r#"
    [
      {
        "code": "E0107",
        "message": "unknown key `fold` in [split]",
        "file": "pdm.toml",
        "line": 7,
        "column": 1,
        "key": "split.fold",
        "hint": "did you mean `folds`?"
      },
      {
        "code": "E0105",
        "message": "unknown section `a` at the top level",
        "file": "command line",
        "line": 1,
        "column": 7,
        "key": "a",
        "hint": "expected `version`, `project`, `dataset`, `validate`, `target`, `split`, `features`, `model`, `train`, `calibrate`, `evaluate`, `gate`, …"
      }
    ]
    "#);
}

#[test]
fn colour_changes_nothing_but_colour() {
    let errors = load("version = 1\n[projekt]\nname = 'x'", &[]).unwrap_err();
    let coloured = errors.render(true);
    assert!(coloured.contains("\u{1b}["));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    assert_eq!(plain + rest, errors.render(false));
}

const STACK: &str = r#"version = 1
[project]
name = "demo"
[dataset]
kind = "simulated"

[model]
kind = "stack"

[[model.member]]
kind = "gbdt"
rounds = 100

[[model.member]]
kind = "gru"
steps = 200
"#;

#[test]
fn the_members_of_a_stack_keep_their_options_and_their_places() {
    let (spec, origins) = load(STACK, &["model.member.1.hidden=24"]).unwrap();
    let ModelOptions::Stack(stack) = &spec.model else {
        panic!("{:?}", spec.model)
    };
    let kinds: Vec<_> = stack.member.iter().map(ModelOptions::kind).collect();
    assert_eq!(kinds, ["gbdt", "gru"]);
    let place = |key| origins.place(key).unwrap_or_default();
    assert_eq!(place("model.member.0.rounds"), "pdm.toml:12");
    assert_eq!(
        place("model.member.1.hidden"),
        "--set model.member.1.hidden=24"
    );
    assert_eq!(
        (place("model.member.1.kind"), place("model.member.1.head")),
        ("pdm.toml:15".to_owned(), String::new())
    );
    assert_eq!(load(&spec.to_toml(), &[]).unwrap().0, spec);

    let (bare, _) = load(SMALLEST, &["model.kind=stack"]).unwrap();
    assert_eq!(bare.model, ModelOptions::Stack(StackOptions::default()));
    assert_eq!(load(&bare.to_toml(), &[]).unwrap().0, bare);
    let inline = load(
        SMALLEST,
        &[
            "model.kind=stack",
            "model.member=[{kind='linear'}, {kind='linear', l2=1.0}]",
        ],
    );
    assert!(
        matches!(inline.unwrap().0.model, ModelOptions::Stack(stack) if stack.member.len() == 2)
    );
}

#[test]
fn mistakes_within_a_member_point_at_the_member() {
    let file = STACK
        .replace("kind = \"stack\"", "kind = \"stack\"\nrounds = 5")
        .replace("rounds = 100", "rounds = 0\nleafs = 7\nhidden = 3")
        .replace("steps = 200", "steps = \"200\"")
        + "[[model.member]]\nkind = \"stack\"\n[[model.member]]\nl2 = 0.5\n[[model.member]]\nkind = \"linear\"\nl2 = -1\n";
    insta::assert_snapshot!(errors(&file, &["model.member.0.leaves=x"]), @r#"
    error[E0107]: unknown key `rounds` in [model]
     --> pdm.toml:9:1
      |
    9 | rounds = 5
      | ^^^^^^ a key of kind `gbdt`, not of `stack`

    error[E0110]: `model.member.0.rounds` is 0, and must be from 1 to 100000
      --> pdm.toml:13:10
       |
    13 | rounds = 0
       |          ^

    error[E0107]: unknown key `leafs` in [[model.member]]
      --> pdm.toml:14:1
       |
    14 | leafs = 7
       | ^^^^^ did you mean `leaves`?

    error[E0107]: unknown key `hidden` in [[model.member]]
      --> pdm.toml:15:1
       |
    15 | hidden = 3
       | ^^^^^^ a key of kind `gru` or `lstm`, not of `gbdt`

    error[E0109]: expected a whole number of at least 0 for `model.member.1.steps`, found the string "200"
      --> pdm.toml:19:9
       |
    19 | steps = "200"
       |         ^^^^^ write 200 without quotes

    error[E0112]: unknown kind "stack" in [[model.member]]
      --> pdm.toml:21:8
       |
    21 | kind = "stack"
       |        ^^^^^^^
       |
       = help: expected `linear`, `gbdt`, `gru`, `lstm`, `cnn`, `tcn` or `transformer`

    error[E0108]: missing key `kind` in [[model.member]]
      --> pdm.toml:22:1
       |
    22 | [[model.member]]
       | ^^^^^^^^^^^^^^^^
       |
       = help: expected `linear`, `gbdt`, `gru`, `lstm`, `cnn`, `tcn` or `transformer`

    error[E0110]: `model.member.4.l2` must be at least 0, not -1
      --> pdm.toml:26:6
       |
    26 | l2 = -1
       |      ^^

    error[E0109]: expected a whole number of at least 0 for `model.member.0.leaves`, found the string "x"
     --> command line:1:29
      |
    1 | --set model.member.0.leaves=x
      |                             ^
    "#);
    let alone = STACK
        .split("[[model.member]]\nkind = \"gru\"")
        .next()
        .unwrap();
    insta::assert_snapshot!(errors(alone, &[]), @r#"
    error[E0133]: `model.member` needs at least 2 models, but has 1
      --> pdm.toml:10:1
       |
    10 | [[model.member]]
       | ^^^^^^^^^^^^^^^^ write one [[model.member]] for each
    "#);
    insta::assert_snapshot!(errors(SMALLEST, &["model={kind='stack', member='gbdt'}"]), @r#"
    error[E0113]: `model.member` is a list of tables
     --> command line:1:35
      |
    1 | --set model={kind='stack', member='gbdt'}
      |                                   ^^^^^^ write [[model.member]]
    "#);
}

#[test]
fn one_of_subset_and_subsets_is_asked_for() {
    let cmapss = SMALLEST.replace("kind = \"simulated\"", "kind = \"cmapss\"");
    let pool = format!("{cmapss}subsets = [\"FD004\", \"FD002\"]\n");
    let (spec, origins) = load(&pool, &[]).unwrap();
    assert_eq!(
        (
            spec.dataset.name().as_str(),
            origins.place("dataset.subset")
        ),
        ("FD002+FD004", None)
    );
    assert_eq!(load(&spec.to_toml(), &[]).unwrap().0, spec);
    let (bare, _) = load(&cmapss, &[]).unwrap();
    assert!(bare.to_toml().contains("subset = \"FD001\"") && !bare.to_toml().contains("subsets"));
    let mistaken = pool.replace("FD002", "FD02") + "subset = \"FD001\"\n";
    insta::assert_snapshot!(errors(&mistaken, &[]), @r#"
    error[E0111]: unknown value "FD02" for `dataset.subsets`
     --> pdm.toml:6:21
      |
    6 | subsets = ["FD004", "FD02"]
      |                     ^^^^^^ expected `FD001`, `FD002`, `FD003` or `FD004`
    "#);
    insta::assert_snapshot!(errors(&pool, &["features.regimes=1", "split.folds=600"]), @r#"
    error[E0127]: `features.regimes`: 1 ignores the settings, but FD002+FD004 has 6 operating regimes
     --> command line:1:24
      |
    1 | --set features.regimes=1
      |                        ^ 0 detects the number

    error[E0128]: `split.folds`: 600 folds are more than the 509 training units
     --> command line:1:19
      |
    1 | --set split.folds=600
      |                   ^^^ at most 509
    "#);
    insta::assert_snapshot!(errors(&pool, &["dataset.subset=FD001"]), @r#"
    error[E0123]: `dataset.subsets` must not be combined with `subset`
     --> pdm.toml:6:11
      |
    6 | subsets = ["FD004", "FD002"]
      |           ^^^^^^^^^^^^^^^^^^ write one of the two
    "#);
    insta::assert_snapshot!(errors(&pool, &["dataset.subsets=[\"FD003\"]"]), @r#"
    error[E0110]: `dataset.subsets` needs at least 2 subsets
     --> command line:1:23
      |
    1 | --set dataset.subsets=["FD003"]
      |                       ^^^^^^^^^ for a single subset: subset = "FD003"
    "#);
    insta::assert_snapshot!(errors(&pool, &["dataset.subsets=[]"]), @r#"
    error[E0110]: `dataset.subsets`: needs at least 2 subsets
     --> command line:1:23
      |
    1 | --set dataset.subsets=[]
      |                       ^^
    "#);
}

#[test]
fn the_schema_knows_every_kind_of_member_but_the_stack() {
    let schema = file_schema();
    let kinds = |tables: &serde_json::Value| -> Vec<String> {
        let kind = |table: &serde_json::Value| {
            table["properties"]["kind"]["enum"][0]
                .as_str()
                .unwrap()
                .to_owned()
        };
        tables.as_array().unwrap().iter().map(kind).collect()
    };
    let models = &schema["properties"]["model"]["anyOf"];
    assert_eq!(kinds(models), ModelOptions::KINDS);
    let is_stack = |table: &&serde_json::Value| table["properties"]["kind"]["enum"][0] == "stack";
    let stack = models.as_array().unwrap().iter().find(is_stack).unwrap();
    assert_eq!(
        kinds(&stack["properties"]["member"]["items"]["oneOf"]),
        ModelOptions::MEMBER_KINDS
    );
}

#[test]
fn the_resolved_file_loads_to_the_same_specification() {
    let table = "kind = \"table\"\ntrain = \"a.csv\"\nsensors = [\"s_2\", \"s_3\", \"s_1\"]";
    let datasets = ["kind = \"simulated\"", "kind = \"cmapss\"", table];
    for (kind, dataset) in ModelOptions::KINDS.iter().zip(datasets.iter().cycle()) {
        let smallest = SMALLEST.replace("kind = \"simulated\"", dataset);
        let gate = "[[gate]]\nmetric = \"coverage\"\nrule = \"between\"\nlow = 0.8\nhigh = 1.0\n";
        let file = format!(
            "{smallest}[model]\nkind = \"{kind}\"\n[validate.ranges]\ns_1 = [0.0, 1000.0]\n{gate}"
        );
        let (spec, _) = load(
            &file,
            &[
                "project.seed=9223372036854775807",
                "features.sensors=[\"s_2\", \"s_3\"]",
            ],
        )
        .unwrap();
        let text = spec.to_toml();
        let (again, origins) = load(&text, &[]).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        assert_eq!(again, spec);
        assert_eq!(again.to_toml(), text);
        let invented: Vec<_> = origins
            .as_slice()
            .iter()
            .filter(|origin| origin.source == Source::Default)
            .collect();
        assert_eq!(invented, Vec::<&Origin>::new());
    }
}

#[test]
fn the_committed_schema_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../pipelines/pipeline.schema.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, file_schema_text()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == file_schema_text(),
        "pipelines/pipeline.schema.json is not what the program makes now: run `scripts/regenerate` and read what it changes"
    );
}

/// Collects the paths of all properties of a schema.
fn properties(schema: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        let path = source::join(path, key);
        properties(value, &path, found);
        found.push(path);
    }
    for word in ["oneOf", "anyOf", "allOf"] {
        schema[word]
            .as_array()
            .into_iter()
            .flatten()
            .for_each(|inner| properties(inner, path, found));
    }
}

#[test]
fn the_schema_names_every_key_of_the_resolved_file_and_refuses_others() {
    let schema = file_schema();
    let mut known = Vec::new();
    properties(&schema, "", &mut known);
    let (_, origins) = load(SMALLEST, &[]).unwrap();
    for origin in origins.as_slice() {
        assert!(
            known.contains(&origin.key),
            "{} is not in the schema",
            origin.key
        );
    }
    let text = file_schema_text();
    assert!(
        ["\"const\"", "\"null\""]
            .iter()
            .all(|word| !text.contains(word))
    );
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(
        schema["properties"]["model"]["anyOf"][0]["additionalProperties"],
        false
    );
    // A profile refers to the sections, and to nothing else.
    let sections = &schema["properties"]["profile"]["additionalProperties"]["properties"];
    for (name, section) in sections.as_object().unwrap() {
        assert_eq!(
            section,
            &serde_json::json!({ "$ref": format!("#/properties/{name}") })
        );
        assert!(schema["properties"].get(name).is_some(), "{name}");
    }
    assert_eq!(
        text.matches("$ref").count(),
        schema["properties"].as_object().unwrap().len() - 3
    );
}

#[test]
fn the_schema_describes_every_key() {
    fn undescribed(schema: &serde_json::Value, path: &str, found: &mut Vec<String>) {
        for (key, value) in schema["properties"].as_object().into_iter().flatten() {
            let path = source::join(path, key);
            let described = value.get("$ref").is_some()
                || value["description"]
                    .as_str()
                    .is_some_and(|text| text.len() > 5);
            found.extend((!described).then(|| path.clone()));
            undescribed(value, &path, found);
        }
        let inner = ["oneOf", "anyOf", "allOf"]
            .into_iter()
            .filter_map(|word| schema[word].as_array())
            .flatten();
        let within = [&schema["items"], &schema["additionalProperties"]]
            .into_iter()
            .filter(|inner| inner.is_object());
        inner
            .chain(within)
            .for_each(|inner| undescribed(inner, path, found));
    }
    let mut found = Vec::new();
    undescribed(&file_schema(), "", &mut found);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_committed_reference_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pipeline.md");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&path, file_reference()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == file_reference(),
        "docs/pipeline.md is not what the program makes now: run `scripts/regenerate` and read what it changes"
    );
}

#[test]
fn the_reference_names_every_key_of_the_resolved_file() {
    let (reference, text) = (
        file_reference(),
        format!("{SMALLEST}[model]\nkind = \"gru\"\n"),
    );
    for origin in load(&text, &[]).unwrap().1.as_slice() {
        let key = origin
            .key
            .split_once('.')
            .map_or(origin.key.as_str(), |(_, key)| key);
        let documented = [format!("| `{key}` |"), format!("## `[[{key}]]`")]
            .iter()
            .any(|words| reference.contains(words));
        assert!(key == "kind" || documented, "{}", origin.key);
    }
}

fn mutations() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\""),
        Just("="),
        Just("["),
        Just("]"),
        Just("{"),
        Just("."),
        Just("\n"),
        Just("ä"),
        Just("\u{0}"),
        Just("${env:"),
        Just("1e999"),
        Just("nan"),
        Just("'''"),
        Just("#"),
        Just("[[gate]]\n"),
        Just("-"),
        Just("\r"),
        Just("kind"),
        Just("gate.0.value = {}\n"),
        Just("\u{202e}"),
    ];
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0usize..4, piece), 1..6);
    edits.prop_map(|edits| {
        let mut text: Vec<char> =
            format!("{SMALLEST}[features]\nhalf_lives = [4.0]\n[[gate]]\nmetric = \"rmse\"\n")
                .chars()
                .collect();
        for (at, removed, piece) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, piece.chars());
        }
        text.into_iter().collect()
    })
}

/// Loads, and if that fails, uses all that errors offer.
fn survives(text: &str, overrides: &[&str]) -> Result<(), TestCaseError> {
    match load(text, overrides) {
        Ok((spec, _)) => prop_assert_eq!(load(&spec.to_toml(), &[]).unwrap().0, spec),
        Err(errors) => {
            prop_assert!(!errors.problems().is_empty());
            prop_assert!(!errors.render(true).is_empty() && !errors.render(false).is_empty());
            prop_assert!(serde_json::to_string(&errors).is_ok());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn mutated_files_never_panic(text in mutations()) {
        survives(&text, &[])?;
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), over in "\\PC{0,24}") {
        let text = String::from_utf8_lossy(&bytes);
        survives(&text, &[&over])?;
        survives(&format!("{SMALLEST}{text}"), &[&over])?;
        survives(SMALLEST, &[&text, &format!("{over}=1"), &format!("split.{over}")])?;
    }
}
