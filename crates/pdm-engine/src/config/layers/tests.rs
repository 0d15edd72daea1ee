//! Tests of the layers of a pipeline.

use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::config::{Origins, PipelineSpec, SpecErrors};
use pdm_models::models::ModelOptions;
use pdm_models::train::Backend;

/// A folder of files, and what is laid over `pdm.toml` in it.
struct Folder {
    place: TempDir,
    layers: Layers,
}

const SMALLEST: &str = "version = 2\nproject.name = \"demo\"\ndataset.kind = \"simulated\"\n";

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let place = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = place.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let mut folder = Self {
            place,
            layers: Layers::default(),
        };
        folder.main("pdm.toml");
        folder
    }

    fn path(&self) -> &Path {
        self.place.path()
    }

    fn main(&mut self, name: &str) {
        let path = self.path().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        self.layers = Layers {
            path: Some(path),
            ..Layers::of_text(&text, name)
        };
    }

    fn profile(mut self, name: &str) -> Self {
        self.layers.profile = Some(ChosenProfile {
            name: name.to_owned(),
            variable: None,
        });
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.layers.variables.push(SetVariable {
            name: name.to_owned(),
            key: None,
            value: value.to_owned(),
        });
        self
    }

    fn set(mut self, text: &str) -> Self {
        self.layers.overrides.push(text.to_owned());
        self
    }

    fn composed(&self) -> Result<(PipelineSpec, Origins), SpecErrors> {
        PipelineSpec::compose(&self.layers, &|name| {
            (name == "SHARED").then(|| "shared".to_owned())
        })
    }

    /// Returns a value with its layer and place.
    fn value(&self, key: &str) -> String {
        let (_, origins) = self.composed().unwrap_or_else(|errors| panic!("{errors}"));
        let origin = origins
            .as_slice()
            .iter()
            .find(|origin| origin.key == key)
            .unwrap();
        let place = origin.source.place().unwrap_or_default();
        format!("{} {} {place}", origin.value, origin.layer)
            .trim_end()
            .to_owned()
    }

    fn errors(&self) -> String {
        let folder = self.path().display().to_string();
        self.composed()
            .unwrap_err()
            .to_string()
            .replace(&folder, "<folder>")
    }
}

#[test]
fn six_layers_have_one_order() {
    let base = "version = 2\nsplit.folds = 3\n";
    let file = format!("extends = \"base.toml\"\n{SMALLEST}");
    let with_profile = |folds: &str| format!("{file}{folds}\n[profile.ci]\nsplit.folds = 6\n");
    let bare = with_profile("");
    let full = with_profile("split.folds = 4");
    let of = |base: &str, file: &str| Folder::with(&[("base.toml", base), ("pdm.toml", file)]);
    let steps = [
        of("version = 2", &bare),
        of(base, &bare),
        of(base, &full),
        of(base, &full).profile("ci"),
        of(base, &full)
            .profile("ci")
            .variable("PDM_ML__SPLIT__FOLDS", "7"),
        of(base, &full)
            .profile("ci")
            .variable("PDM_ML__SPLIT__FOLDS", "7")
            .set("split.folds=8"),
    ]
    .map(|folder| folder.value("split.folds"));
    insta::assert_snapshot!(steps.join("\n"), @"
    5 default
    3 extends base.toml:2
    4 file pdm.toml:5
    6 profile.ci pdm.toml:7
    7 environment PDM_ML__SPLIT__FOLDS
    8 set --set split.folds=8
    ");
}

#[test]
fn several_files_are_laid_over_each_other_the_later_one_on_top() {
    let folder = Folder::with(&[
        (
            "common/a.toml",
            "version = 2\nextends = [\"deep/c.toml\"]\n[split]\nfolds = 3\n[calibrate]\ncoverage = 0.8\n",
        ),
        (
            "common/deep/c.toml",
            "version = 1\n[model]\nkind = \"gru\"\nbatch_units = 4\nhidden = 12\n",
        ),
        (
            "b.toml",
            "version = 2\nsplit.folds = 4\n[[gate]]\nmetric = \"mae\"\nrule = \"at_most\"\nvalue = 1\n",
        ),
        (
            "pdm.toml",
            "version = 2\nextends = [\"common/a.toml\", \"${env:SHARED:-x}/../b.toml\"]\nproject.name = \"demo\"\n\
             dataset.kind = \"simulated\"\nmodel.hidden = 16\n[[gate]]\nmetric = \"rmse\"\nrule = \"at_most\"\nvalue = 9\n",
        ),
        ("shared/x", ""),
    ]);
    let keys = [
        "split.folds",
        "calibrate.coverage",
        "model.kind",
        "model.batch",
        "model.hidden",
        "gate.0.metric",
    ];
    insta::assert_snapshot!(keys.map(|key| format!("{key} {}", folder.value(key))).join("\n"), @r#"
    split.folds 4 extends b.toml:2
    calibrate.coverage 0.8 extends common/a.toml:6
    model.kind "gru" extends common/deep/c.toml:3
    model.batch 4 extends common/deep/c.toml:4
    model.hidden 16 file pdm.toml:5
    gate.0.metric "rmse" file pdm.toml:7
    "#);
    assert_eq!(folder.composed().unwrap().0.gates.len(), 1);
}

#[test]
fn circles_depth_and_absence_are_refused_with_the_chain() {
    let circle = Folder::with(&[
        ("pdm.toml", "version = 2\nextends = \"p/a.toml\"\n"),
        ("p/a.toml", "version = 2\nextends = [\"b.toml\"]\n"),
        ("p/b.toml", "version = 2\n\nextends = \"../pdm.toml\"\n"),
    ]);
    insta::assert_snapshot!(circle.errors(), @r#"
    error[E0145]: `extends` forms a cycle: pdm.toml → p/a.toml → p/b.toml → pdm.toml
     --> p/b.toml:3:11
      |
    3 | extends = "../pdm.toml"
      |           ^^^^^^^^^^^^^
    "#);
    let mut files: Vec<_> = (0..18)
        .map(|i| {
            (
                format!("f{i}.toml"),
                format!("version = 2\nextends = \"f{}.toml\"\n", i + 1),
            )
        })
        .collect();
    files.push(("f18.toml".to_owned(), SMALLEST.to_owned()));
    files.push(("pdm.toml".to_owned(), files[0].1.clone()));
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let mut deep = Folder::with(&files);
    insta::assert_snapshot!(deep.errors(), @r#"
    error[E0145]: `extends` is more than 16 files deep: pdm.toml → f1.toml → f2.toml → f3.toml → f4.toml → f5.toml → f6.toml → f7.toml → f8.toml → f9.toml → f10.toml → f11.toml → f12.toml → f13.toml → f14.toml → f15.toml → f16.toml → f17.toml
     --> f16.toml:2:11
      |
    2 | extends = "f17.toml"
      |           ^^^^^^^^^^
    "#);
    deep.main("f2.toml");
    assert!(deep.composed().is_ok());
    let absent = Folder::with(&[
        (
            "pdm.toml",
            "version = 2\nextends = [\"bsae.toml\", \"nowhere/x.toml\", 3, \"${env:UNSET}\"]\n",
        ),
        ("base.toml", SMALLEST),
    ]);
    insta::assert_snapshot!(absent.errors(), @r#"
    error[E0144]: cannot read `bsae.toml`: No such file or directory (os error 2)
     --> pdm.toml:2:12
      |
    2 | extends = ["bsae.toml", "nowhere/x.toml", 3, "${env:UNSET}"]
      |            ^^^^^^^^^^^ did you mean `base.toml`?

    error[E0144]: cannot read `nowhere/x.toml`: No such file or directory (os error 2)
     --> pdm.toml:2:25
      |
    2 | extends = ["bsae.toml", "nowhere/x.toml", 3, "${env:UNSET}"]
      |                         ^^^^^^^^^^^^^^^^
      |
      = help: paths are relative to the folder of the file that extends: `<folder>`

    error[E0109]: expected a path for `extends`, or a list of paths
     --> pdm.toml:2:43
      |
    2 | extends = ["bsae.toml", "nowhere/x.toml", 3, "${env:UNSET}"]
      |                                           ^ write extends = "base.toml"

    error[E0119]: environment variable `UNSET` is not set
     --> pdm.toml:2:46
      |
    2 | extends = ["bsae.toml", "nowhere/x.toml", 3, "${env:UNSET}"]
      |                                              ^^^^^^^^^^^^^^ set it, or give a default: ${env:UNSET:-default}
    "#);
    let wide = format!(
        "version = 2\nextends = [{}]\n",
        "\"base.toml\", ".repeat(101)
    );
    assert!(
        Folder::with(&[("pdm.toml", &wide), ("base.toml", SMALLEST)])
            .errors()
            .contains("more than 100 files")
    );
}

#[test]
fn a_mistake_is_shown_in_its_own_file() {
    let folder = Folder::with(&[
        (
            "common/base.toml",
            "version = 2\n[split]\nfold = 3\n\n[calibrate]\ncoverage = 90\n",
        ),
        (
            "pdm.toml",
            &format!("extends = \"common/base.toml\"\n{SMALLEST}[train]\nseeds = \"3\"\n"),
        ),
    ]);
    insta::assert_snapshot!(folder.errors(), @r#"
    error[E0109]: expected a whole number of at least 0 for `train.seeds`, found the string "3"
     --> pdm.toml:6:9
      |
    6 | seeds = "3"
      |         ^^^ write 3 without quotes

    error[E0107]: unknown key `fold` in [split]
     --> common/base.toml:3:1
      |
    3 | fold = 3
      | ^^^^ did you mean `folds`?

    error[E0110]: `calibrate.coverage`: 90 is not a share from 0.5 to below 1
     --> common/base.toml:6:12
      |
    6 | coverage = 90
      |            ^^ 0.9
    "#);
    let no_toml = Folder::with(&[
        ("base.toml", "version = 2\n[split\n"),
        ("old.toml", "[split]\n"),
        ("new.toml", "version = 4\n"),
        (
            "pdm.toml",
            &format!("extends = [\"base.toml\", \"old.toml\", \"new.toml\"]\n{SMALLEST}"),
        ),
    ]);
    insta::assert_snapshot!(no_toml.errors(), @"
    error[E0101]: unclosed table, expected `]`
     --> base.toml:2:7
      |
    2 | [split
      |       ^

    error[E0104]: missing key `version`
     --> old.toml:1:1
      |
    1 | [split]
      | ^ write `version = 3` at the top

    error[E0104]: the format version is 4, but this program reads versions 1 to 3
     --> new.toml:1:11
      |
    1 | version = 4
      |           ^ the file is for a newer pdm-ml; install that version
    ");
}

#[test]
fn a_profile_changes_what_it_names_and_its_place_is_shown() {
    let base = "version = 2\n[profile.prod]\nsplit.folds = 10\nregistry.url = \"s3://${env:BUCKET}/x\"\n[profile.prod.train]\nseeds = 3\n";
    let file = format!(
        "extends = \"base.toml\"\n{SMALLEST}[model]\nkind = \"gbdt\"\nrounds = 50\n\n[profile.prod]\nsplit.folds = 8\n\
         registry.url = \"s3://${{env:SHARED}}/x\"\n[profile.net.model]\nkind = \"gru\"\nhidden = 8\n"
    );
    let folder = || Folder::with(&[("base.toml", base), ("pdm.toml", &file)]);
    assert_eq!(folder().value("split.folds"), "5 default");
    let prod = folder().profile("prod");
    let keys = ["split.folds", "train.seeds", "registry.url", "model.rounds"];
    insta::assert_snapshot!(keys.map(|key| format!("{key} {}", prod.value(key))).join("\n"), @r#"
    split.folds 8 profile.prod pdm.toml:10
    train.seeds 3 profile.prod base.toml:6
    registry.url "s3://shared/x" profile.prod pdm.toml:11 (environment: SHARED)
    model.rounds 50 file pdm.toml:7
    "#);
    assert_eq!(
        folder().profile("net").value("model.hidden"),
        "8 profile.net pdm.toml:14"
    );
    let wrong = folder()
        .profile("net")
        .variable("PDM_ML__MODEL__ROUNDS", "7");
    insta::assert_snapshot!(wrong.errors(), @"
    error[E0107]: unknown key `rounds` in [model]
     --> environment:1:16
      |
    1 | PDM_ML__MODEL__ROUNDS
      |                ^^^^^^ a key of kind `gbdt`, not of `gru`
    ");
    insta::assert_snapshot!(folder().profile("pord").errors(), @"
    error[E0146]: unknown profile `pord`
     --> command line:1:11
      |
    1 | --profile pord
      |           ^^^^ did you mean `prod`?
    ");
    let mut by_variable = folder();
    by_variable.layers.profile = Some(ChosenProfile {
        name: "staging".into(),
        variable: Some("PDM_ML_PROFILE".into()),
    });
    insta::assert_snapshot!(by_variable.errors(), @"
    error[E0146]: unknown profile `staging`
     --> environment:1:16
      |
    1 | PDM_ML_PROFILE=staging
      |                ^^^^^^^ expected `prod` or `net`
    ");
    insta::assert_snapshot!(Folder::with(&[("pdm.toml", SMALLEST)]).profile("ci").errors(), @"
    error[E0146]: unknown profile `ci`
     --> command line:1:11
      |
    1 | --profile ci
      |           ^^
      |
      = help: there are no profiles; write [profile.ci] and what it changes
    ");
}

#[test]
fn a_profile_that_is_not_chosen_is_looked_through_without_false_alarms() {
    let file = |profile: &str| Folder::with(&[("pdm.toml", &format!("{SMALLEST}{profile}"))]);
    // What depends on other layers is no mistake: the kind, a variable, a combination.
    let fine = "[profile.a]\nmodel.hidden = 48\nregistry.url = \"${env:UNSET}\"\ndataset.subset = \"FD001\"\n\
                calibrate.coverage = 1\nvalidate.ranges.s_99 = [1, 2]\n[[profile.a.gate]]\n[profile.a.tune.space]\n\
                \"model.rounds\" = { step = 10 }\n[profile.empty]\n";
    assert!(file(fine).composed().is_ok(), "{}", file(fine).errors());
    let wrong = "[profile.a]\ntrian.seeds = 1\nsplit = { fold = 3, folds = \"3\" }\nmodel.hiden = 48\nversion = 2\n\
                 [profile.b]\nmodel = { kind = \"svm\" }\ntrain.seeds = -1\ncalibrate.method = \"split\"\nfeatures.half_lives = [1, \"2\"]\n\
                 registry.promote = \"yes\"\ngate = {}\n[profile]\nc = 3\n\"d e\" = {}\n";
    insta::assert_snapshot!(file(wrong).errors(), @r#"
    error[E0105]: unknown key `trian` in [profile.a]
     --> pdm.toml:5:1
      |
    5 | trian.seeds = 1
      | ^^^^^ did you mean `train`?

    error[E0107]: unknown key `fold` in [profile.a.split]
     --> pdm.toml:6:11
      |
    6 | split = { fold = 3, folds = "3" }
      |           ^^^^ did you mean `folds`?

    error[E0109]: expected a whole number of at least 0 for `profile.a.split.folds`, found a string
     --> pdm.toml:6:29
      |
    6 | split = { fold = 3, folds = "3" }
      |                             ^^^ write it without quotes

    error[E0107]: unknown key `hiden` in [profile.a.model]
     --> pdm.toml:7:7
      |
    7 | model.hiden = 48
      |       ^^^^^ did you mean `hidden`?

    error[E0147]: `version` belongs at the top of the file, not in [profile.a]
     --> pdm.toml:8:1
      |
    8 | version = 2
      | ^^^^^^^

    error[E0112]: unknown value "svm" for `profile.b.model.kind`
      --> pdm.toml:10:18
       |
    10 | model = { kind = "svm" }
       |                  ^^^^^
       |
       = help: expected `linear`, `gbdt`, `gru`, `lstm`, `cnn`, `tcn`, `transformer` or `stack`

    error[E0110]: expected a whole number of at least 0 for `profile.b.train.seeds`, found the number -1
      --> pdm.toml:11:15
       |
    11 | train.seeds = -1
       |               ^^

    error[E0111]: unknown value "split" for `profile.b.calibrate.method`
      --> pdm.toml:12:20
       |
    12 | calibrate.method = "split"
       |                    ^^^^^^^ expected `split_conformal` or `quantile`

    error[E0109]: expected a number for `profile.b.features.half_lives.1`, found a string
      --> pdm.toml:13:27
       |
    13 | features.half_lives = [1, "2"]
       |                           ^^^ write it without quotes

    error[E0109]: expected true or false for `profile.b.registry.promote`, found a string
      --> pdm.toml:14:20
       |
    14 | registry.promote = "yes"
       |                    ^^^^^

    error[E0113]: `profile.b.gate` is a list of tables
      --> pdm.toml:15:8
       |
    15 | gate = {}
       |        ^^ write [[profile.b.gate]]

    error[E0109]: expected a table for `profile.c`
      --> pdm.toml:17:5
       |
    17 | c = 3
       |     ^
       |
       = help: write [profile.c] and what it changes, such as `train.seeds = 1`

    error[E0121]: `d e` is not a valid name for a profile
      --> pdm.toml:18:1
       |
    18 | "d e" = {}
       | ^^^^^ use letters, digits, `-` and `_`
    "#);
    insta::assert_snapshot!(file("[[profile]]\nname = 3\n").errors(), @"
    error[E0109]: expected a table for `profile`
     --> pdm.toml:4:1
      |
    4 | [[profile]]
      | ^^^^^^^^^^^
      |
      = help: write [profile.ci] and what it changes, such as `train.seeds = 1`
    ");
}

#[test]
fn a_misplaced_secret_is_not_repeated_from_a_profile_either() {
    let text = format!("{SMALLEST}[profile.prod.tracking]\ntoken_env = [\"hunter2\"]\n");
    let shown = [None, Some("prod")].map(|name| {
        let folder = Folder::with(&[("pdm.toml", &text)]);
        name.into_iter().fold(folder, Folder::profile).errors()
    });
    assert!(
        shown
            .iter()
            .all(|shown| shown.contains("pdm.toml:5:13") && !shown.contains("hunter2")),
        "{shown:#?}"
    );
}

#[test]
fn what_a_profile_may_hold_is_what_a_file_may_hold() {
    for (kind, dataset) in ModelOptions::KINDS
        .iter()
        .zip(["simulated", "cmapss"].into_iter().cycle())
    {
        let text = SMALLEST.replace("simulated", dataset);
        let gate = "[[gate]]\nmetric = \"rmse\"\nrule = \"non_inferior\"\nmargin = 1\n";
        let (spec, _) = PipelineSpec::load(
            &format!("{text}model.kind = \"{kind}\"\n[tune.space]\n\"train.seeds\" = {{ choices = [1, 2] }}\n{gate}"),
            "x",
            &[],
            &|_| None,
        )
        .unwrap();
        let whole: toml::Table = toml::from_str(&spec.to_toml()).unwrap();
        let profile: toml::Table = whole
            .into_iter()
            .filter(|(key, _)| key != "version")
            .collect();
        let profiles = toml::Table::from_iter([("whole".to_owned(), profile.into())]);
        let layered = toml::to_string(&toml::Table::from_iter([(
            "profile".to_owned(),
            profiles.into(),
        )]))
        .unwrap();
        let folder = Folder::with(&[("pdm.toml", &format!("{text}{layered}"))]);
        assert!(folder.composed().is_ok(), "{}", folder.errors());
        assert_eq!(folder.profile("whole").composed().unwrap().0, spec);
    }
}

#[test]
fn variables_are_named_and_their_values_are_not_repeated() {
    let folder = Folder::with(&[("pdm.toml", SMALLEST)])
        .variable("PDM_ML__SPLIT__FOLD", "7")
        .variable("PDM_ML__TRACKING__TOKEN_ENV", "hunter2 !")
        .variable("PDM_ML__CALIBRATE__COVERAGE", "90")
        .variable("PDM_ML__EXTENDS", "x.toml")
        .variable("PDM_ML__SPLIT__", "3")
        .variable("PDM_ML__GATE__0__VALUE", "3")
        .set("profile.x.split.folds=3");
    let shown = folder.errors();
    assert!(!shown.contains("hunter2"), "{shown}");
    insta::assert_snapshot!(shown, @"
    error[E0107]: unknown key `fold` in [split]
     --> environment:1:16
      |
    1 | PDM_ML__SPLIT__FOLD
      |                ^^^^ did you mean `folds`?

    error[E0122]: `tracking.token_env`: not the name of an environment variable
    --> environment:1:1
     = help: write the variable's name (letters, digits, underscores), not its value

    error[E0110]: `calibrate.coverage`: 90 is not a share from 0.5 to below 1
     --> environment:1:1
      |
    1 | PDM_ML__CALIBRATE__COVERAGE
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^ 0.9

    error[E0149]: `extends` can only be written in a file
     --> environment:1:9
      |
    1 | PDM_ML__EXTENDS
      |         ^^^^^^^ pass a file that has `extends` in it

    error[E0148]: `PDM_ML__SPLIT__` names no key
     --> environment:1:1
      |
    1 | PDM_ML__SPLIT__
      | ^^^^^^^^^^^^^^^ write PDM_ML__SECTION__KEY, such as PDM_ML__SPLIT__FOLDS

    error[E0113]: `gate` is a list of tables
     --> environment:1:9
      |
    1 | PDM_ML__GATE__0__VALUE
      |         ^^^^ write [[gate]]

    error[E0149]: `profile` can only be written in a file
     --> command line:1:7
      |
    1 | --set profile.x.split.folds=3
      |       ^^^^^^^
      |
      = help: choose a profile with `--profile NAME`, or set the key itself
    ");
    let lists = Folder::with(&[("pdm.toml", SMALLEST)])
        .variable("PDM_ML__FEATURES__HALF_LIVES", "[4, 15]")
        .variable("PDM_ML__REGISTRY__URL", "registry/here");
    assert_eq!(
        lists.value("features.half_lives"),
        "[4.0,15.0] environment PDM_ML__FEATURES__HALF_LIVES"
    );
    assert_eq!(
        lists.value("registry.url"),
        "\"registry/here\" environment PDM_ML__REGISTRY__URL"
    );
}

#[test]
fn another_kind_discards_the_section_in_every_layer() {
    let file = format!(
        "{SMALLEST}[model]\nkind = \"gbdt\"\nrounds = 50\n[profile.net]\nmodel.kind = \"lstm\"\n"
    );
    let folder = || Folder::with(&[("pdm.toml", &file)]);
    let kind = |folder: &Folder| folder.value("model.kind");
    assert_eq!(
        kind(&folder().profile("net")),
        "\"lstm\" profile.net pdm.toml:8"
    );
    assert_eq!(
        kind(&folder().variable("PDM_ML__MODEL__KIND", "linear")),
        "\"linear\" environment PDM_ML__MODEL__KIND"
    );
    let set = folder().set("model.hidden=24").set("model.kind=gru");
    assert_eq!(set.value("model.hidden"), "24 set --set model.hidden=24");
    // Keys of one layer are meant together.
    let both = folder().set("model.rounds=24").set("model.kind=gru");
    assert!(
        both.errors().contains("a key of kind `gbdt`, not of `gru`"),
        "{}",
        both.errors()
    );
}

#[test]
fn flex_of_older_files_is_the_native_backend() {
    let of = |version: u32, rest: &str| {
        let text = SMALLEST.replace("version = 2", &format!("version = {version}"));
        Folder::with(&[("pdm.toml", &format!("{text}{rest}"))])
    };
    let notes = |folder: &Folder| folder.layers.notes(&|_| None);
    let flex = "[train]\nbackend = \"flex\"\n";
    let old = of(2, flex);
    assert_eq!(old.value("train.backend"), "\"native\" file pdm.toml:5");
    let note = "pdm.toml:5: in a file of version 2, \"flex\" for `train.backend` means \"native\"; \
                `pdm-ml config migrate --write pdm.toml` renames it";
    assert_eq!(notes(&old), [note]);
    assert_eq!(
        of(1, flex).value("train.backend"),
        "\"native\" file pdm.toml:5"
    );
    let new = of(3, flex);
    assert_eq!(new.value("train.backend"), "\"flex\" file pdm.toml:5");
    assert_eq!(notes(&new), [""; 0]);
    assert_eq!(notes(&of(2, "train.backend = \"native\"\n")), [""; 0]);

    let elsewhere = "[profile.a.train]\nbackend = 'flex'\n[tune.space]\n\"train.backend\" = { choices = [\"flex\", \"ndarray\"] }\n";
    let folder = of(2, elsewhere);
    assert_eq!(notes(&folder).len(), 2);
    let space = folder.composed().unwrap().0.tune.unwrap().space;
    let choices = space.iter().next().unwrap().1.choices.clone().unwrap();
    assert_eq!(choices, ["native", "ndarray"]);
    let backend = folder.profile("a").value("train.backend");
    assert_eq!(backend, "\"native\" profile.a pdm.toml:5");
}

/// Only files have a version: a name on the command line is the newest one.
#[test]
fn what_an_older_file_cannot_say_raises_the_version() {
    let file = format!("extends = \"base.toml\"\n{SMALLEST}");
    let below = [
        ("base.toml", "version = 3\ntrain.backend = \"flex\"\n"),
        ("pdm.toml", file.as_str()),
    ];
    for folder in [
        Folder::with(&below),
        Folder::with(&[("pdm.toml", SMALLEST)]).set("train.backend=flex"),
        Folder::with(&[("pdm.toml", SMALLEST)]).variable("PDM_ML__TRAIN__BACKEND", "flex"),
    ] {
        let (spec, _) = folder.composed().unwrap();
        assert_eq!((spec.version, spec.train.backend), (3, Backend::Flex));
        let again = PipelineSpec::load(&spec.to_toml(), "x", &[], &|_| None);
        assert_eq!(again.unwrap().0, spec);
    }
}

#[test]
fn files_of_the_first_version_stay_readable() {
    let folder = Folder::with(&[(
        "pdm.toml",
        "version = 1\nproject.name = \"demo\"\ndataset.kind = \"simulated\"\n[model]\nkind = \"gru\"\nbatch_units = 4\n",
    )]);
    assert_eq!(folder.value("model.batch"), "4 file pdm.toml:6");
    assert_eq!(folder.value("version"), "1 file pdm.toml:1");
    let (spec, _) = folder.composed().unwrap();
    assert_eq!(
        PipelineSpec::load(&spec.to_toml(), "x", &[], &|_| None)
            .unwrap()
            .0,
        spec
    );
    let newer = Folder::with(&[(
        "pdm.toml",
        "version = 1\nextends = \"a.toml\"\n[profile.ci]\n[model]\nbatch = 3\nbatch_units = 3\n",
    )]);
    insta::assert_snapshot!(newer.errors(), @r#"
    error[E0142]: `extends` needs version 2 of the format, but this file has version 1
     --> pdm.toml:2:1
      |
    2 | extends = "a.toml"
      | ^^^^^^^ write `version = 2`, or run `pdm-ml config migrate`

    error[E0142]: `profile` needs version 2 of the format, but this file has version 1
     --> pdm.toml:3:2
      |
    3 | [profile.ci]
      |  ^^^^^^^ write `version = 2`, or run `pdm-ml config migrate`

    error[E0143]: `model.batch_units` is the older name of `batch`, which is also set
     --> pdm.toml:6:1
      |
    6 | batch_units = 3
      | ^^^^^^^^^^^ write one of the two
    "#);
    let older = Folder::with(&[(
        "pdm.toml",
        &format!("{SMALLEST}[model]\nkind = \"gru\"\nbatch_units = 4\n"),
    )]);
    insta::assert_snapshot!(older.errors(), @"
    error[E0107]: unknown key `batch_units` in [model]
     --> pdm.toml:6:1
      |
    6 | batch_units = 4
      | ^^^^^^^^^^^ now called `batch`
    ");
}
