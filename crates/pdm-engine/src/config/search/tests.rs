//! Tests of `[tune.space]`.

use serde_json::{Value, json};

use crate::config::{Layers, PipelineSpec, edited};
use pdm_models::tune::{Sampler, SearchPoint, Trial};

const FILE: &str = r#"version = 1

[project]
name = "demo"

[dataset]
kind = "simulated"

[model]
kind = "gbdt"
rounds = 120   # enough
"#;

fn load(text: &str) -> Result<PipelineSpec, String> {
    let loaded = PipelineSpec::compose_to_search(&Layers::of_text(text, "pdm.toml"), &|_| None);
    loaded
        .map(|(spec, _)| spec)
        .map_err(|errors| errors.to_string())
}

fn spec(tune: &str) -> PipelineSpec {
    load(&format!("{FILE}\n{tune}")).unwrap()
}

/// The mistakes of one search, as a user sees them.
fn mistakes(tune: &str) -> String {
    load(&format!("{FILE}\n{tune}")).unwrap_err()
}

fn values(json: Value) -> SearchPoint {
    json.as_object().unwrap().clone()
}

#[test]
fn mistakes_in_a_space_are_shown_with_their_place() {
    let space = r#"[tune]
metod = "grid"
trials = 0
metric = "coverage"

[tune.space]
"model.round" = { low = 100, high = 500 }
"model.hidden" = { low = 16, high = 96 }
"model.rounds" = { low = 500, high = 100 }
"model.leaves" = { low = 7, high = 63.5 }
"model.learning_rate" = { low = 0, high = 0.2, log = true }
"model.l2" = { choices = [0.1, "much"] }
"model.bins" = { low = 16, high = 300 }
"model.min_leaf_rows" = { lo = 16, high = 300 }
"model.feature_fraction" = 0.5
"features.half_lives" = { low = 4, high = 15 }
"features.regimes" = { choices = [0, 1, 1] }
"feature.clip_sd" = { low = 3, high = 6 }
"split.folds" = { choices = [5, 10] }
"project.seed" = { low = 1, high = 9 }
"registry.url" = { choices = ["a", "b"] }
"target.cap" = { low = 100, high = 150 }
rounds = { low = 100, high = 500 }
"#;
    insta::assert_snapshot!(mistakes(space), @r#"
    error[E0107]: unknown key `metod` in [tune]
      --> pdm.toml:14:1
       |
    14 | metod = "grid"
       | ^^^^^ did you mean `method`?

    error[E0110]: `tune.trials` is 0, and must be from 1 to 10000
      --> pdm.toml:15:10
       |
    15 | trials = 0
       |          ^

    error[E0110]: `tune.metric`: `coverage` needs intervals, which trials do not have
      --> pdm.toml:16:10
       |
    16 | metric = "coverage"
       |          ^^^^^^^^^^ "rmse"

    error[E0138]: `tune.space."model.round"` names no key of [model]
      --> pdm.toml:19:17
       |
    19 | "model.round" = { low = 100, high = 500 }
       |                 ^^^^^^^^^^^^^^^^^^^^^^^^^ did you mean `rounds`?

    error[E0138]: `tune.space."model.hidden"` has no effect where `model.kind` is `gbdt`
      --> pdm.toml:20:18
       |
    20 | "model.hidden" = { low = 16, high = 96 }
       |                  ^^^^^^^^^^^^^^^^^^^^^^^ a key of kind `gru` or `lstm`

    error[E0139]: `tune.space."model.rounds".low` is 500, above `high` = 100: the range is empty
      --> pdm.toml:21:26
       |
    21 | "model.rounds" = { low = 500, high = 100 }
       |                          ^^^

    error[E0139]: `tune.space."model.leaves".high` is 63.5, but the key takes whole numbers
      --> pdm.toml:22:36
       |
    22 | "model.leaves" = { low = 7, high = 63.5 }
       |                                    ^^^^

    error[E0139]: `tune.space."model.learning_rate".low` is 0, but a logarithm needs numbers above 0
      --> pdm.toml:23:33
       |
    23 | "model.learning_rate" = { low = 0, high = 0.2, log = true }
       |                                 ^

    error[E0140]: `tune.space."model.l2".choices.1`: expected a number for `model.l2`, found the string "much"
      --> pdm.toml:24:32
       |
    24 | "model.l2" = { choices = [0.1, "much"] }
       |                                ^^^^^^

    error[E0140]: `tune.space."model.bins".high`: `model.bins` is 300, and must be from 2 to 256
      --> pdm.toml:25:35
       |
    25 | "model.bins" = { low = 16, high = 300 }
       |                                   ^^^

    error[E0139]: `tune.space."model.min_leaf_rows"` has `high` but no `low`
      --> pdm.toml:26:25
       |
    26 | "model.min_leaf_rows" = { lo = 16, high = 300 }
       |                         ^^^^^^^^^^^^^^^^^^^^^^^

    error[E0107]: unknown key `lo` in [tune.space."model.min_leaf_rows"]
      --> pdm.toml:26:27
       |
    26 | "model.min_leaf_rows" = { lo = 16, high = 300 }
       |                           ^^
       |
       = help: expected `low`, `high`, `log`, `step`, `points`, `choices` or `simpler`

    error[E0109]: expected a table for `tune.space."model.feature_fraction"`, found the number 0.5
      --> pdm.toml:27:28
       |
    27 | "model.feature_fraction" = 0.5
       |                            ^^^
       |
       = help: write [tune.space."model.feature_fraction"] and the keys below it

    error[E0139]: `tune.space."features.half_lives"` is not a number: list its `choices`
      --> pdm.toml:28:25
       |
    28 | "features.half_lives" = { low = 4, high = 15 }
       |                         ^^^^^^^^^^^^^^^^^^^^^^

    error[E0139]: `tune.space."features.regimes".choices.2` is the same as an earlier choice
      --> pdm.toml:29:41
       |
    29 | "features.regimes" = { choices = [0, 1, 1] }
       |                                         ^

    error[E0138]: `tune.space."feature.clip_sd"` names no key of the pipeline
      --> pdm.toml:30:21
       |
    30 | "feature.clip_sd" = { low = 3, high = 6 }
       |                     ^^^^^^^^^^^^^^^^^^^^^ did you mean `features`?

    error[E0137]: `tune.space."split.folds"` must not be searched: every trial must be judged on the same folds
      --> pdm.toml:31:17
       |
    31 | "split.folds" = { choices = [5, 10] }
       |                 ^^^^^^^^^^^^^^^^^^^^^

    error[E0137]: `tune.space."project.seed"` must not be searched: a lucky seed is not a better model
      --> pdm.toml:32:18
       |
    32 | "project.seed" = { low = 1, high = 9 }
       |                  ^^^^^^^^^^^^^^^^^^^^^

    error[E0137]: `tune.space."registry.url"` must not be searched: it changes no model
      --> pdm.toml:33:18
       |
    33 | "registry.url" = { choices = ["a", "b"] }
       |                  ^^^^^^^^^^^^^^^^^^^^^^^^

    error[E0137]: `tune.space."target.cap"` must not be searched: it decides what is scored, and trials must be judged alike
      --> pdm.toml:34:16
       |
    34 | "target.cap" = { low = 100, high = 150 }
       |                ^^^^^^^^^^^^^^^^^^^^^^^^^

    error[E0138]: `tune.space.rounds` names no key of the pipeline
      --> pdm.toml:35:10
       |
    35 | rounds = { low = 100, high = 500 }
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^ did you mean `model.rounds`?
    "#);
}

#[test]
fn more_mistakes_are_shown_with_their_place() {
    let table = "[tune.space]\nmodel.rounds = { low = 100, high = 500 }\n";
    let grid = "[tune]\nmethod = \"grid\"\n[tune.space]\n\"model.learning_rate\" = { low = 0.01, high = 0.1 }\n";
    let large =
        "[tune]\nmethod = \"grid\"\n[tune.space]\n\"model.rounds\" = { low = 1, high = 20000 }\n";
    let whole = "[tune.space]\nmodel = { choices = [{ kind = \"linear\", l3 = 1 }] }\n";
    let both = "[tune.space]\nmodel = { choices = [{ kind = \"linear\" }] }\n\"model.l2\" = { low = 0, high = 1 }\n";
    let errors = [table, grid, large, whole, both, "[tune]\n"].map(mistakes);
    insta::assert_snapshot!(errors.join("\n\n"), @r#"
    error[E0139]: `tune.space.model` needs `low` and `high`, or `choices`
      --> pdm.toml:14:1
       |
    14 | model.rounds = { low = 100, high = 500 }
       | ^^^^^
       |
       = help: put a key with a dot in quotes: "model.rounds" = { low = 100, high = 500 }

    error[E0107]: unknown key `rounds` in [tune.space.model]
      --> pdm.toml:14:7
       |
    14 | model.rounds = { low = 100, high = 500 }
       |       ^^^^^^ `rounds` belongs in [model]

    error[E0141]: `tune.space."model.learning_rate"` needs `step`, `points` or `choices` for a grid
      --> pdm.toml:16:25
       |
    16 | "model.learning_rate" = { low = 0.01, high = 0.1 }
       |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^

    error[E0141]: `tune.space` has more than 10000 points, too many for a grid
      --> pdm.toml:15:1
       |
    15 | [tune.space]
       | ^^^^^^^^^^^^ set `trials`, or list fewer values

    error[E0140]: `tune.space.model.choices.0`: `model.l3` is not a key of the pipeline
      --> pdm.toml:14:22
       |
    14 | model = { choices = [{ kind = "linear", l3 = 1 }] }
       |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^

    error[E0125]: `tune.space."model.l2"` is a part of `model`, which is searched as a whole
      --> pdm.toml:15:14
       |
    15 | "model.l2" = { low = 0, high = 1 }
       |              ^^^^^^^^^^^^^^^^^^^^^

    error[E0136]: `tune.space` has no key to search
      --> pdm.toml:13:2
       |
    13 | [tune]
       |  ^^^^
       |
       = help: such as "model.learning_rate" = { low = 0.01, high = 0.1, log = true }
    "#);
}

#[test]
fn a_key_of_one_family_has_a_say_only_there() {
    let spec = spec(
        "[tune.space]\n\"model.hidden\" = { low = 16, high = 96, step = 16 }\n\"model.kind\" = { choices = [\"gbdt\", \
         \"gru\", \"linear\"] }\n\"model.rounds\" = { low = 100, high = 500 }\n\"model.l2\" = { low = 0.1, high = 9 }\n",
    );
    let space = spec.search_space();
    let conditions = space.dimensions().iter().map(|d| {
        json!([
            d.key,
            d.when
                .as_ref()
                .map(|when| json!({ "key": when.key, "one_of": when.one_of })),
            d.values.count()
        ])
    });
    assert_eq!(
        conditions.collect::<Value>(),
        json!([
            ["model.hidden", { "key": "model.kind", "one_of": ["gru"] }, 6],
            ["model.kind", null, 3],
            ["model.rounds", { "key": "model.kind", "one_of": ["gbdt"] }, 401],
            ["model.l2", { "key": "model.kind", "one_of": ["gbdt", "linear"] }, null],
        ])
    );
    let only = spec_of_one_family();
    assert_eq!(only.search_space().dimensions()[1].when, None);
    let file = space.point_of(|key| spec.value_of(key));
    assert_eq!(
        Value::from(file),
        json!({ "model.kind": "gbdt", "model.rounds": 120, "model.l2": 5.0 })
    );
}

/// A search of another family than the file's.
fn spec_of_one_family() -> PipelineSpec {
    spec(
        "[tune.space]\n\"model.kind\" = { choices = [\"gru\"] }\n\"model.hidden\" = { low = 16, high = 96 }\n",
    )
}

#[test]
fn a_variant_is_the_file_with_other_values() {
    let spec = spec("");
    let other = spec
        .with_values(&values(
            json!({ "model.rounds": 200, "features.half_lives": [2, 8, 30] }),
        ))
        .unwrap();
    let text =
        FILE.replace("rounds = 120", "rounds = 200") + "[features]\nhalf_lives = [2, 8, 30]\n";
    assert_eq!(other, load(&text).unwrap());
    let gru = spec
        .with_values(&values(json!({ "model.hidden": 7, "model.kind": "gru" })))
        .unwrap();
    let text = FILE
        .replace("\"gbdt\"", "\"gru\"")
        .replace("rounds = 120", "hidden = 7");
    assert_eq!(gru, load(&text).unwrap());
}

#[test]
fn a_variant_that_cannot_be_is_refused_by_key() {
    let refused = |json: Value| {
        let problems = spec("").with_values(&values(json)).unwrap_err();
        problems
            .into_iter()
            .map(|problem| format!("{}: {}", problem.path, problem.message))
            .collect::<Vec<_>>()
            .join("; ")
    };
    let wrong = [
        json!({ "model.rounds": 0 }),
        json!({ "model.rounds": 1.5 }),
        json!({ "model.hidden": 5 }),
        json!({ "model.kind": "oracle" }),
        json!({ "model": { "kind": "linear", "l3": 1 } }),
        json!({ "features.sensors": ["s_99"] }),
        json!({ "features.half_lives.9": 1 }),
        json!({ "split.folds": 3 }),
    ];
    insta::assert_snapshot!(wrong.map(refused).join("\n"), @"
    model.rounds: is 0, and must be from 1 to 100000
    model.rounds: expected a whole number of at least 0 for `model.rounds`, found the number 1.5
    model.hidden: is not a key of the pipeline
    model.kind: `model.kind`: there is no kind `oracle`
    model.l3: is not a key of the pipeline
    features.sensors.0: the data has no sensor `s_99`
    features.half_lives.9: has no place in the file
    split.folds: has no place in the file
    ");
}

/// Whatever a search tries, the file written for it is the pipeline that was scored.
#[test]
fn a_written_winner_loads_to_what_was_scored() {
    let tune = "[tune]\nmethod = \"random\"\n[tune.space]\n\"model.kind\" = { choices = [\"gbdt\", \"gru\", \"linear\"] }\n\
                \"model.learning_rate\" = { low = 1e-3, high = 1e-2, log = true }\n\"model.rounds\" = { low = 1, high = 9 }\n\
                \"features.half_lives\" = { choices = [[4, 15], [2, 8, 30]] }\n\"model.hidden\" = { low = 1, high = 99 }\n\
                \"train.row_stride\" = { low = 1, high = 9, points = 3 }\n\"features.clip_sd\" = { low = 1, high = 9 }\n";
    let (text, spec) = (format!("{FILE}\n{tune}"), spec(tune));
    let sampler = Sampler::new(spec.search_space(), spec.tune.as_ref().unwrap());
    let mut tried: Vec<Trial> = Vec::new();
    for seed in 0..60 {
        let values = sampler.next(&tried, seed).unwrap();
        let scored = spec.with_values(&values).unwrap();
        let written = edited(&text, &[], &values, "tuned").unwrap();
        let read = load(&written).unwrap();
        assert_eq!(PipelineSpec { tune: None, ..read }, scored, "{written}");
        assert_eq!(
            written.matches("# enough").count(),
            usize::from(scored.model.kind() == "gbdt"),
            "{written}"
        );
        let ending = pdm_models::tune::TrialEnding::Pruned;
        tried.push(Trial {
            number: tried.len(),
            values,
            folds: Vec::new(),
            ending,
        });
    }
}

#[test]
fn errors_of_a_search_do_not_affect_other_commands() {
    let space = "[tune.space]\n\"model.kind\" = { choices = [\"gbdt\", \"gru\"] }\n\"model.learning_rate\" = { low = 0.01, high = 0.1 }\n";
    let text = FILE
        .replace("\"gbdt\"", "\"gru\"")
        .replace("rounds = 120", "")
        + "\n[train]\nloss = \"quantile\"\n"
        + space;
    assert!(PipelineSpec::load(&text, "pdm.toml", &[], &|_| None).is_ok());
    assert!(
        load(&text)
            .unwrap_err()
            .contains("only networks learn quantiles")
    );
    // A mistake elsewhere is reported once, and not again for every value of the space.
    let mistake = text.replace("\"quantile\"", "\"mse\"\npatience = 0");
    let error = load(&mistake).unwrap_err();
    assert!(
        error.contains("`train.patience` must be from 1") && error.matches("error[").count() == 1,
        "{error}"
    );
}
