//! Files with the mistakes that people make, and the errors they get, in one table, `tests/broken.md`.
//!
//! `scripts/regenerate` writes the table again; then read the difference as the person who made the mistake would.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use pdm_ml::codes::Code;

use crate::project::{Answer, Project};

/// What most of the files begin with.
const HEAD: &str =
    "version = 3\n\n[project]\nname = \"plant-7\"\n\n[dataset]\nkind = \"simulated\"\n\n";

/// A file with a mistake, and how it is loaded.
struct Broken {
    mistake: &'static str,
    /// What is shown of the file.
    shown: String,
    bytes: Vec<u8>,
    args: &'static [&'static str],
    /// Environment variables it is loaded with.
    variables: &'static [(&'static str, &'static str)],
    /// Files beside it.
    beside: &'static [(&'static str, &'static str)],
}

impl Broken {
    fn new(mistake: &'static str, shown: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            mistake,
            shown: shown.to_owned(),
            bytes: bytes.into(),
            args: &[],
            variables: &[],
            beside: &[],
        }
    }

    fn beside(self, beside: &'static [(&'static str, &'static str)]) -> Self {
        Self { beside, ..self }
    }
}

/// A file that begins with [`HEAD`].
fn below(mistake: &'static str, text: &str) -> Broken {
    Broken::new(mistake, text, format!("{HEAD}{text}"))
}

/// A file of its own.
fn whole(mistake: &'static str, text: &str) -> Broken {
    Broken::new(mistake, text, text)
}

/// A file of its own, of another data set.
fn dataset(mistake: &'static str, text: &str) -> Broken {
    let text = format!("version = 3\n\n[project]\nname = \"plant-7\"\n\n[dataset]\n{text}");
    whole(mistake, &text)
}

/// Bytes that are no UTF-8, or that no page shows.
fn bytes(mistake: &'static str, shown: &str, bytes: Vec<u8>) -> Broken {
    Broken::new(mistake, shown, bytes)
}

/// A good file, with other arguments than the usual ones.
fn arguments(mistake: &'static str, text: &str, args: &'static [&'static str]) -> Broken {
    Broken {
        args,
        ..below(mistake, text)
    }
}

/// A good file, loaded with environment variables.
fn variables(
    mistake: &'static str,
    text: &str,
    variables: &'static [(&'static str, &'static str)],
) -> Broken {
    Broken {
        variables,
        ..below(mistake, text)
    }
}

fn files() -> Vec<Broken> {
    let groups = [
        grammar(),
        encodings(),
        sections(),
        versions(),
        keys(),
        types(),
        values(),
        datasets(),
        gates(),
        models(),
        searches(),
        notices(),
        schedules(),
        retrains(),
        programs(),
        bases(),
        profiles(),
        environment(),
        overrides(),
        several(),
    ];
    groups.into_iter().flatten().collect()
}

fn grammar() -> Vec<Broken> {
    vec![
        whole(
            "a text without quotes",
            "version = 3\n\n[project]\nname = plant-7\n",
        ),
        whole(
            "a quote that is never closed",
            "version = 3\n\n[project]\nname = \"plant-7\nseed = 7\n",
        ),
        whole(
            "a header that is never closed",
            "version = 3\n\n[project\nname = \"plant-7\"\n",
        ),
        below(
            "a list that is never closed",
            "[features]\nhalf_lives = [4, 15\n\n[model]\nkind = \"gbdt\"\n",
        ),
        below("a key without a value", "[split]\nfolds =\n"),
        below("two equals signs", "[split]\nfolds == 5\n"),
        below("a colon instead of an equals sign", "[split]\nfolds: 5\n"),
        below("a comma at the end of a line", "[split]\nfolds = 5,\n"),
        below("two keys on one line", "[split]\nfolds = 5 seed = 7\n"),
        whole("YAML", "version: 3\nproject:\n  name: plant-7\n"),
        whole(
            "JSON",
            "{ \"version\": 3, \"project\": { \"name\": \"plant-7\" } }\n",
        ),
        below(
            "a Windows path in double quotes",
            "[tracking]\ndir = \"C:\\users\\runs\"\n",
        ),
        below("Python's word for true", "[registry]\npromote = True\n"),
        below("a number with a leading zero", "[train]\nfirst_row = 05\n"),
        below("a decimal comma", "[calibrate]\ncoverage = 0,9\n"),
        below("a time without quotes", "[project.budget]\ntime = 30min\n"),
        below("typographic quotes", "[model]\nkind = “gbdt”\n"),
        below(
            "a space that does not break, from a web page",
            "[split]\nfolds =\u{a0}5\n",
        ),
        whole(
            "a key twice",
            "version = 3\n\n[project]\nname = \"plant-7\"\nname = \"plant-8\"\n",
        ),
        below(
            "a section twice",
            "[split]\nfolds = 5\n\n[train]\nseeds = 3\n\n[split]\nfolds = 10\n",
        ),
        below(
            "an inline table and its header",
            "[evaluate]\nbootstrap = { resamples = 500 }\n\n[evaluate.bootstrap]\nconfidence = 0.9\n",
        ),
        below(
            "an inline table that is added to",
            "[evaluate]\nbootstrap = { resamples = 500 }\nbootstrap.confidence = 0.9\n",
        ),
        whole(
            "a dotted key and its section",
            "version = 3\nproject.name = \"plant-7\"\n\n[project]\nseed = 7\n",
        ),
        below(
            "a key that is a value and a table",
            "[project.budget]\nmemory = \"1GiB\"\nmemory.most = \"2GiB\"\n",
        ),
    ]
}

fn encodings() -> Vec<Broken> {
    let typo = format!("{HEAD}[split]\nfold = 5\n");
    let utf16: Vec<u8> = "\u{feff}version = 3\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let latin = [HEAD.as_bytes(), b"# gepr\xfcft\n"].concat();
    vec![
        bytes("UTF-16, as Notepad writes it", "version = 3\n", utf16),
        bytes("an umlaut in Latin-1", "# gepr\u{fc}ft\n", latin),
        bytes(
            "a typo behind a byte order mark",
            "[split]\nfold = 5\n",
            format!("\u{feff}{typo}").into_bytes(),
        ),
        bytes(
            "a typo in a file with Windows line ends",
            "[split]\nfold = 5\n",
            typo.replace('\n', "\r\n").into_bytes(),
        ),
        below("a typo behind a tab", "[split]\n\tfold = 5\n"),
        whole("nothing at all", ""),
        whole("only a comment", "# to be written\n"),
    ]
}

fn sections() -> Vec<Broken> {
    vec![
        whole(
            "no version",
            "[project]\nname = \"plant-7\"\n\n[dataset]\nkind = \"simulated\"\n",
        ),
        whole(
            "the version as a text",
            "version = \"3\"\n\n[project]\nname = \"plant-7\"\n",
        ),
        whole(
            "a later version",
            "version = 4\n\n[project]\nname = \"plant-7\"\n\n[later]\n",
        ),
        whole(
            "no [project]",
            "version = 3\n\n[dataset]\nkind = \"simulated\"\n",
        ),
        whole(
            "no [dataset]",
            "version = 3\n\n[project]\nname = \"plant-7\"\n",
        ),
        below("a misspelt section", "[modle]\nkind = \"gbdt\"\n"),
        below("a section in the plural", "[gates]\nmetric = \"rmse\"\n"),
        below(
            "a section that does not exist",
            "[deploy]\ntarget = \"edge\"\n",
        ),
        whole(
            "a key above its section",
            "version = 3\nseed = 7\n\n[project]\nname = \"plant-7\"\n\n[dataset]\nkind = \"simulated\"\n",
        ),
        below(
            "a table instead of a list of tables",
            "[gate]\nmetric = \"rmse\"\nrule = \"at_most\"\nvalue = 16.0\n",
        ),
        below(
            "a list of tables instead of a table",
            "[[model]]\nkind = \"gbdt\"\n",
        ),
        whole(
            "a value where a section belongs",
            "version = 3\nproject = \"plant-7\"\n\n[dataset]\nkind = \"simulated\"\n",
        ),
    ]
}

fn versions() -> Vec<Broken> {
    let old = |mistake, text: &str| {
        let text = format!(
            "version = 1\n\n{text}\n\n[project]\nname = \"plant-7\"\n\n[dataset]\nkind = \"simulated\"\n"
        );
        whole(mistake, &text)
    };
    vec![
        old(
            "a file of version 1 that extends another",
            "extends = \"base.toml\"",
        ),
        old(
            "a file of version 1 with a profile",
            "[profile.ci]\ntrain.seeds = 1",
        ),
        old(
            "a key by its old and its new name",
            "[model]\nkind = \"gru\"\nbatch = 8\nbatch_units = 4",
        ),
        below(
            "an old name in a new file",
            "[model]\nkind = \"gru\"\nbatch_units = 4\n",
        ),
        Broken {
            args: &["config", "migrate", "pdm.toml"],
            ..whole(
                "a later version that is to be migrated",
                "version = 4\n\n[project]\nname = \"plant-7\"\n",
            )
        },
    ]
}

fn keys() -> Vec<Broken> {
    vec![
        whole(
            "a misspelt key",
            "version = 3\n\n[project]\nname = \"plant-7\"\nsede = 7\n\n[dataset]\nkind = \"simulated\"\n",
        ),
        below("a key in capitals", "[split]\nFolds = 10\n"),
        below(
            "a key with hyphens, far from any other",
            "[features]\nrolling-window-size = 30\n",
        ),
        below(
            "a key of another section",
            "[train]\nlearning_rate = 0.05\n",
        ),
        below(
            "a key of another model",
            "[model]\nkind = \"gbdt\"\nhidden = 48\n",
        ),
        below(
            "a misspelt table within a section",
            "[evaluate.bootstraps]\nresamples = 500\n",
        ),
        whole(
            "no name",
            "version = 3\n\n[project]\nseed = 7\n\n[dataset]\nkind = \"simulated\"\n",
        ),
        below("no kind", "[model]\nrounds = 300\n"),
        below(
            "a gate without its rule",
            "[[gate]]\nmetric = \"rmse\"\nvalue = 16.0\n",
        ),
        below(
            "a model of another program",
            "[model]\nkind = \"xgboost\"\n",
        ),
        below("a kind in capitals", "[model]\nkind = \"GBDT\"\n"),
        dataset(
            "the format instead of the kind",
            "kind = \"csv\"\ntrain = \"data/train.csv\"\n",
        ),
    ]
}

fn types() -> Vec<Broken> {
    vec![
        below("a number in quotes", "[split]\nfolds = \"5\"\n"),
        below("a whole number with a point", "[split]\nfolds = 5.0\n"),
        below("a fraction of a fold", "[split]\nfolds = 5.5\n"),
        below(
            "one value where a list belongs",
            "[features]\nhalf_lives = 4\n",
        ),
        below(
            "a text where a list belongs",
            "[features]\nsensors = \"s_2\"\n",
        ),
        below(
            "numbers in quotes in a list",
            "[features]\nhalf_lives = [4, \"15\"]\n",
        ),
        below("a word instead of true", "[registry]\npromote = \"yes\"\n"),
        below("a number instead of true", "[registry]\npromote = 1\n"),
        below(
            "a list where a number belongs",
            "[train]\nseeds = [1, 2, 3]\n",
        ),
        below(
            "a date where a name belongs",
            "[registry]\nmodel = 2026-11-28\n",
        ),
        below(
            "a range of one number",
            "[validate.ranges]\ns_2 = [641.0]\n",
        ),
        below(
            "a range as a table",
            "[validate.ranges]\ns_2 = { min = 641.0, max = 644.0 }\n",
        ),
        below("memory without a unit", "[project.budget]\nmemory = 1000\n"),
        below(
            "memory in words",
            "[project.budget]\nmemory = \"1 gigabyte\"\n",
        ),
        below("a time without a unit", "[project.budget]\ntime = \"30\"\n"),
    ]
}

fn values() -> Vec<Broken> {
    vec![
        whole(
            "a negative seed",
            "version = 3\n\n[project]\nname = \"plant-7\"\nseed = -1\n\n[dataset]\nkind = \"simulated\"\n",
        ),
        whole(
            "a name with capitals and a space",
            "version = 3\n\n[project]\nname = \"Plant 7\"\n\n[dataset]\nkind = \"simulated\"\n",
        ),
        whole(
            "an empty name",
            "version = 3\n\n[project]\nname = \"\"\n\n[dataset]\nkind = \"simulated\"\n",
        ),
        below("percent instead of a share", "[calibrate]\ncoverage = 90\n"),
        below("one fold", "[split]\nfolds = 1\n"),
        below("no rounds", "[model]\nkind = \"gbdt\"\nrounds = 0\n"),
        below(
            "a half-life of nothing",
            "[features]\nhalf_lives = [0, 15]\n",
        ),
        below("a half-life twice", "[features]\nhalf_lives = [4, 15, 4]\n"),
        below("a number that is not finite", "[features]\nclip_sd = nan\n"),
        below("a number beyond all bounds", "[target]\ncap = 1e999\n"),
        below(
            "a whole number of more than 64 bits",
            "[train]\nfirst_row = 9223372036854775808\n",
        ),
        below("a cap of no cycles", "[target]\ncap = 0\n"),
        below(
            "a budget of nothing",
            "[project.budget]\nmemory = \"0MB\"\n",
        ),
        below(
            "an alias that means something else",
            "[registry]\nalias = \"latest\"\n",
        ),
        below(
            "a registry of an unknown scheme",
            "[registry]\nurl = \"ftp://models/plant-7\"\n",
        ),
        below(
            "a name where a registry's identity belongs",
            "[registry]\nid = \"plant-7\"\n",
        ),
        below(
            "a key in an address",
            "[registry]\nurl = \"s3://AKIAEXAMPLE:secret@models/plant-7\"\n",
        ),
        below(
            "a server without a scheme",
            "[tracking]\nmlflow_url = \"localhost:5000\"\n",
        ),
        below(
            "a password in an address",
            "[tracking]\nmlflow_url = \"http://ann:secret@mlflow.example\"\n",
        ),
        below(
            "a token instead of its variable",
            "[tracking]\ntoken_env = \"dapi-4711-secret\"\n",
        ),
        below(
            "too few resamples",
            "[evaluate.bootstrap]\nresamples = 10\n",
        ),
        below("an empty folder", "[tracking]\ndir = \"\"\n"),
    ]
}

fn datasets() -> Vec<Broken> {
    let table = |mistake, keys: &str| dataset(mistake, &format!("kind = \"table\"\n{keys}"));
    vec![
        dataset(
            "a subset that does not exist",
            "kind = \"cmapss\"\nsubset = \"FD005\"\n",
        ),
        dataset("a subset by its number", "kind = \"cmapss\"\nsubset = 1\n"),
        dataset(
            "subset and subsets",
            "kind = \"cmapss\"\nsubset = \"FD001\"\nsubsets = [\"FD001\", \"FD003\"]\n",
        ),
        dataset(
            "a pool of one",
            "kind = \"cmapss\"\nsubsets = [\"FD001\"]\n",
        ),
        dataset("an empty pool", "kind = \"cmapss\"\nsubsets = []\n"),
        dataset(
            "a subset twice",
            "kind = \"cmapss\"\nsubsets = [\"FD001\", \"FD003\", \"FD001\"]\n",
        ),
        dataset(
            "one regime for six",
            "kind = \"cmapss\"\nsubset = \"FD002\"\n\n[features]\nregimes = 1\n",
        ),
        dataset(
            "more folds than units",
            "kind = \"simulated\"\ntrain_units = 24\n\n[split]\nfolds = 30\n",
        ),
        dataset(
            "a coverage that few units cannot reach",
            "kind = \"simulated\"\ntrain_units = 20\n\n[calibrate]\ncoverage = 0.99\n",
        ),
        dataset("three regimes", "kind = \"simulated\"\nregimes = 3\n"),
        below(
            "a sensor that is not there",
            "[features]\nsensors = [\"s_2\", \"s_22\"]\n",
        ),
        below(
            "a range for a column that is not there",
            "[validate.ranges]\ns_22 = [0.0, 1.0]\n",
        ),
        below(
            "a range the wrong way round",
            "[validate.ranges]\ns_2 = [644.0, 641.0]\n",
        ),
        below(
            "an expectation that cannot be switched off",
            "[validate.severity]\nfinite = \"off\"\n",
        ),
        table(
            "a table without its sensors",
            "train = \"data/train.csv\"\n",
        ),
        table("a table without a file", "sensors = [\"temperature\"]\n"),
        table(
            "a column named twice",
            "train = \"data/train.csv\"\nsensors = [\"temperature\", \"vibration\", \"temperature\"]\n",
        ),
        table(
            "the unit's column among the sensors",
            "train = \"data/train.csv\"\nunit = \"machine\"\nsensors = [\"machine\", \"vibration\"]\n",
        ),
        table(
            "a unit column without a name",
            "train = \"data/train.csv\"\nunit = \"\"\nsensors = [\"temperature\"]\n",
        ),
        table(
            "a spreadsheet",
            "train = \"data/train.xlsx\"\nsensors = [\"temperature\"]\n",
        ),
        table(
            "a test part without truth",
            "train = \"data/train.csv\"\ntest = \"data/test.csv\"\nsensors = [\"temperature\"]\n",
        ),
    ]
}

fn gates() -> Vec<Broken> {
    vec![
        below(
            "a misspelt metric",
            "[[gate]]\nmetric = \"rsme\"\nrule = \"at_most\"\nvalue = 16.0\n",
        ),
        below(
            "a metric of classifiers",
            "[[gate]]\nmetric = \"accuracy\"\nrule = \"at_least\"\nvalue = 0.9\n",
        ),
        below(
            "a sign instead of a rule",
            "[[gate]]\nmetric = \"rmse\"\nrule = \"<=\"\nvalue = 16.0\n",
        ),
        below(
            "a rule without its limit",
            "[[gate]]\nmetric = \"rmse\"\nrule = \"at_most\"\n",
        ),
        below(
            "a key of another rule",
            "[[gate]]\nmetric = \"rmse\"\nrule = \"at_most\"\nvalue = 16.0\nmargin = 0.1\n",
        ),
        below(
            "a limit in quotes",
            "[[gate]]\nmetric = \"rmse\"\nrule = \"at_most\"\nvalue = \"16\"\n",
        ),
        below(
            "coverage in percent",
            "[[gate]]\nmetric = \"coverage\"\nrule = \"at_least\"\nvalue = 85\n",
        ),
        below(
            "limits the wrong way round",
            "[[gate]]\nmetric = \"coverage\"\nrule = \"between\"\nlow = 0.97\nhigh = 0.85\n",
        ),
        below(
            "a gate against the coverage that is aimed at",
            "[calibrate]\ncoverage = 0.95\n\n[[gate]]\nmetric = \"coverage\"\nrule = \"between\"\nlow = 0.8\nhigh = 0.9\n",
        ),
        below(
            "a negative margin",
            "[[gate]]\nmetric = \"rmse\"\nrule = \"non_inferior\"\nmargin = -0.5\n",
        ),
        below(
            "the same gate twice",
            "[[gate]]\nmetric = \"rmse\"\nrule = \"at_most\"\nvalue = 16.0\n\n[[gate]]\nmetric = \"rmse\"\nrule = \"at_most\"\nvalue = 16.0\n",
        ),
    ]
}

fn models() -> Vec<Broken> {
    vec![
        below(
            "a stack of one",
            "[model]\nkind = \"stack\"\n\n[[model.member]]\nkind = \"gbdt\"\n",
        ),
        below(
            "a stack within a stack",
            "[model]\nkind = \"stack\"\n\n[[model.member]]\nkind = \"gbdt\"\n\n[[model.member]]\nkind = \"stack\"\n",
        ),
        below(
            "members by name",
            "[model]\nkind = \"stack\"\nmember = [\"gbdt\", \"gru\"]\n",
        ),
        below(
            "one member in single brackets",
            "[model]\nkind = \"stack\"\n\n[model.member]\nkind = \"gbdt\"\n",
        ),
        below(
            "a mistake in a member",
            "[model]\nkind = \"stack\"\n\n[[model.member]]\nkind = \"gbdt\"\nleafs = 31\n\n[[model.member]]\nkind = \"linear\"\n",
        ),
        below(
            "a width that the heads do not divide",
            "[model]\nkind = \"transformer\"\nwidth = 33\n",
        ),
        below(
            "quantiles of trees",
            "[model]\nkind = \"gbdt\"\n\n[train]\nloss = \"quantile\"\n",
        ),
        below(
            "calibrated quantiles that the model does not learn",
            "[model]\nkind = \"gru\"\n\n[calibrate]\nmethod = \"quantile\"\n",
        ),
        below(
            "quantiles out of order",
            "[model]\nkind = \"gru\"\n\n[train]\nloss = \"quantile\"\nquantiles = [0.5, 0.1, 0.9]\n",
        ),
        below(
            "a loss of another library",
            "[model]\nkind = \"gru\"\n\n[train]\nloss = \"mean_squared_error\"\n",
        ),
        below(
            "a backend that this program was built without",
            "[train]\nbackend = \"cuda\"\n",
        ),
    ]
}

fn searches() -> Vec<Broken> {
    let space = |mistake, line: &str| {
        below(
            mistake,
            &format!("[model]\nkind = \"gbdt\"\n\n[tune.space]\n{line}\n"),
        )
    };
    vec![
        below("a search of nothing", "[tune]\ntrials = 40\n"),
        space(
            "a searched key without quotes",
            "model.rounds = { low = 100, high = 500 }",
        ),
        space(
            "a searched key that does not exist",
            "\"model.round\" = { low = 100, high = 500 }",
        ),
        space(
            "a searched key of another model",
            "\"model.hidden\" = { low = 16, high = 96 }",
        ),
        space(
            "a search over folds",
            "\"split.folds\" = { choices = [5, 10] }",
        ),
        space(
            "a range the wrong way round in a search",
            "\"model.rounds\" = { low = 500, high = 100 }",
        ),
        space("a range as a list", "\"model.rounds\" = [100, 500]"),
        space(
            "a logarithm of zero",
            "\"model.learning_rate\" = { low = 0.0, high = 0.2, log = true }",
        ),
        space(
            "choices and a range",
            "\"model.rounds\" = { low = 100, high = 500, choices = [200] }",
        ),
        below(
            "a grid without an end",
            "[tune]\nmethod = \"grid\"\n\n[tune.space]\n\"model.learning_rate\" = { low = 0.01, high = 0.2 }\n",
        ),
        below(
            "a method that does not exist",
            "[tune]\nmethod = \"bayes\"\n\n[tune.space]\n\"model.rounds\" = { low = 100, high = 500 }\n",
        ),
        arguments(
            "a value that no trial could use",
            "[model]\nkind = \"gbdt\"\n\n[tune.space]\n\"model.bins\" = { low = 16, high = 300 }\n",
            &["tune", "--dry-run"],
        ),
    ]
}

fn notices() -> Vec<Broken> {
    let hook = |mistake, keys: &str| {
        below(
            mistake,
            &format!("[[notify]]\nkind = \"webhook\"\n{keys}\n"),
        )
    };
    let mail = |mistake, keys: &str| {
        let whom = "host = \"mail.plant.example\"\nfrom = \"pdm-ml@plant.example\"\nto = [\"ann@plant.example\"]";
        below(
            mistake,
            &format!("[[notify]]\nkind = \"smtp\"\n{whom}\n{keys}\n"),
        )
    };
    vec![
        below(
            "one receiver in single brackets",
            "[notify]\nkind = \"webhook\"\nurl = \"https://plant.example\"\n",
        ),
        below(
            "a receiver without a kind",
            "[[notify]]\nurl = \"https://plant.example\"\n",
        ),
        below(
            "a receiver of another kind",
            "[[notify]]\nkind = \"slack\"\nurl = \"https://plant.example\"\n",
        ),
        hook("a webhook without a URL", "on = [\"failure\"]"),
        hook(
            "a webhook that anybody can read",
            "url = \"http://hooks.plant.example/pdm\"",
        ),
        hook(
            "a password in the URL of a webhook",
            "url = \"https://ann:hunter2@plant.example/hook\"",
        ),
        hook(
            "the URL of a webhook without a scheme",
            "url = \"hooks.plant.example\"",
        ),
        hook(
            "the key of a signature in the file",
            "url = \"https://plant.example/hook\"\nsecret = \"hunter2-hunter2\"",
        ),
        hook(
            "the key of a signature in place of its variable",
            "url = \"https://plant.example/hook\"\nsecret = { env = \"hunter2-hunter2\" }",
        ),
        hook(
            "the key of a signature without quotes",
            "url = \"https://plant.example/hook\"\nsecret = hunter2-hunter2",
        ),
        hook(
            "the URL of a webhook without quotes",
            "url = https://chat.example/services/T0/hunter2",
        ),
        hook(
            "an occasion that does not exist",
            "url = \"https://plant.example/hook\"\non = [\"succes\"]",
        ),
        hook(
            "an occasion that is no list",
            "url = \"https://plant.example/hook\"\non = \"failure\"",
        ),
        hook(
            "no occasion at all",
            "url = \"https://plant.example/hook\"\non = []",
        ),
        hook(
            "a key of a mail in a webhook",
            "url = \"https://plant.example/hook\"\nhost = \"mail.plant.example\"",
        ),
        mail("a mail that anybody can read", "tls = \"none\""),
        mail("a user without a password", "username = \"pdm\""),
        mail(
            "a password without a user",
            "password = { env = \"MAIL_PASSWORD\" }",
        ),
        mail(
            "the password of a mail in the file",
            "username = \"pdm\"\npassword = \"hunter2\"",
        ),
        mail("a port out of range", "port = 70000"),
        below(
            "a mail without recipients",
            "[[notify]]\nkind = \"smtp\"\nhost = \"mail.plant.example\"\nfrom = \"pdm-ml@plant.example\"\nto = []\n",
        ),
        below(
            "an invalid mail address",
            "[[notify]]\nkind = \"smtp\"\nhost = \"mail.plant.example\"\nfrom = \"pdm-ml\"\nto = [\"ann@plant.example\"]\n",
        ),
    ]
}

fn schedules() -> Vec<Broken> {
    let weekly = |mistake, keys: &str| {
        below(
            mistake,
            &format!("[schedule]\ncron = \"0 3 * * 1\"\n{keys}\n"),
        )
    };
    let cron = |mistake, cron: &str| below(mistake, &format!("[schedule]\ncron = \"{cron}\"\n"));
    vec![
        below(
            "a schedule without a time",
            "[schedule]\ntimezone = \"Europe/Berlin\"\n",
        ),
        cron("a nickname for a time", "@daily"),
        cron("a cron expression with seconds", "0 0 3 * * 1"),
        cron("an hour that does not exist", "0 25 * * *"),
        cron("a day that never comes", "0 3 30 2 *"),
        cron("a time in words", "every Monday at 3"),
        weekly("a misspelt time zone", "timezone = \"Europe/Berln\""),
        weekly("a time zone by its abbreviation", "timezone = \"CEST\""),
        weekly(
            "a condition that does not exist",
            "if = [\"new-data\", \"drifted\"]",
        ),
        weekly("no condition at all", "if = []"),
        weekly("a jitter of two days", "jitter = \"48h\""),
        weekly("a deadline without a unit", "deadline = \"30\""),
        weekly(
            "a secret among the names of variables",
            "secrets = [\"sk-hunter2\"]",
        ),
        weekly(
            "a variable named twice",
            "env = [\"PLANT\"]\nsecrets = [\"PLANT\"]",
        ),
        weekly("a folder that is relative", "folder = \"plant\""),
        weekly(
            "the program among its own arguments",
            "command = [\"pdm-ml\", \"retrain\"]",
        ),
        weekly(
            "a list of schedules",
            "\n[[schedule]]\ncron = \"0 5 * * *\"",
        ),
        arguments(
            "an export of no schedule",
            "",
            &["schedule", "export", "cron"],
        ),
        arguments(
            "a scheduler that needs more",
            "[schedule]\ncron = \"0 3 * * 1\"\n",
            &["schedule", "export", "kubernetes"],
        ),
        arguments(
            "a scheduler that does not run so often",
            "[schedule]\ncron = \"*/2 * * * *\"\n",
            &["schedule", "export", "github"],
        ),
    ]
}

/// Programs as stages between the named ones.
fn programs() -> Vec<Broken> {
    let clean = |mistake, keys: &str| {
        below(
            mistake,
            &format!("[[stage]]\nname = \"clean\"\nexec = [\"./clean.sh\"]\n{keys}\n"),
        )
    };
    let first = |mistake, keys: &str| clean(mistake, &format!("before = \"validate\"\n{keys}"));
    let second = |keys: &str| format!("\n[[stage]]\nname = \"{keys}\nbefore = \"validate\"");
    vec![
        below(
            "a stage without a program",
            "[[stage]]\nname = \"clean\"\nbefore = \"validate\"\n",
        ),
        below(
            "a program without a word",
            "[[stage]]\nname = \"clean\"\nexec = []\nbefore = \"validate\"\n",
        ),
        below(
            "a command for a shell",
            "[[stage]]\nname = \"clean\"\nexec = \"sort raw.csv > units.csv\"\nbefore = \"validate\"\n",
        ),
        below(
            "a stage with the name of another",
            "[[stage]]\nname = \"train\"\nexec = [\"./fit\"]\nafter = \"train\"\n",
        ),
        below(
            "a stage with a space in its name",
            "[[stage]]\nname = \"clean up\"\nexec = [\"./c\"]\nafter = \"train\"\n",
        ),
        clean("a stage without a place", ""),
        clean(
            "a stage before what it is after",
            "after = \"train\"\nbefore = \"features\"",
        ),
        clean(
            "a stage after one that does not exist",
            "after = \"training\"",
        ),
        first(
            "an output outside the project",
            "outputs = [\"../units.csv\"]",
        ),
        first("outputs by a pattern", "outputs = [\"plots/*.svg\"]"),
        first("an input by a broken pattern", "inputs = [\"raw/[a.csv\"]"),
        first(
            "an output that is an input",
            "inputs = [\"units.csv\"]\noutputs = [\"units.csv\"]",
        ),
        first(
            "an output with two makers",
            &format!(
                "outputs = [\"u.csv\"]\n{}",
                second("tidy\"\nexec = [\"./tidy\"]\noutputs = [\"./u.csv\"]")
            ),
        ),
        first(
            "stages in a circle",
            &format!(
                "inputs = [\"b.csv\"]\noutputs = [\"a.csv\"]\n{}",
                second("tidy\"\nexec = [\"./tidy\"]\ninputs = [\"a.csv\"]\noutputs = [\"b.csv\"]")
            ),
        ),
        first(
            "two stages of one name",
            &second("clean\"\nexec = [\"./tidy\"]"),
        ),
        first(
            "a value in place of a variable",
            "secrets = [\"TOKEN=hunter2\"]",
        ),
        first(
            "a variable that is secret and is not",
            "env = [\"TOKEN\"]\nsecrets = [\"TOKEN\"]",
        ),
        first("a timeout without a unit", "timeout = 30"),
        below(
            "more threads than any machine has",
            "[project.budget]\nthreads = 5000\n",
        ),
    ]
}

/// Mistakes in the options of `retrain` and in those of the shared cache.
fn retrains() -> Vec<Broken> {
    vec![
        below(
            "a reason that does not exist",
            "[retrain]\nwhen = [\"new-data\", \"weekly\"]\n",
        ),
        below(
            "a reason without its number",
            "[retrain]\nwhen = [\"new-units\"]\n",
        ),
        below(
            "an invalid age",
            "[retrain]\nwhen = [\"older-than=soon\"]\n",
        ),
        below("a reason that is no list", "[retrain]\nwhen = \"drift\"\n"),
        below("no reason at all", "[retrain]\nwhen = []\n"),
        below(
            "the flag's name for the key",
            "[retrain]\nif = [\"drift\"]\n",
        ),
        below("a rate in percent", "[retrain]\ndrift_fdr = 5\n"),
        below("drift by a single unit", "[retrain]\ndrift_units = 1\n"),
        below(
            "a holdout of no units",
            "[split]\nholdout = { share = 0.0 }\n",
        ),
        below(
            "a holdout in percent",
            "[split]\nholdout = { share = 20 }\n",
        ),
        below("a holdout as a number", "[split]\nholdout = 0.2\n"),
        below("a holdout without its share", "[split.holdout]\nseed = 3\n"),
        below(
            "a shared cache of an unknown scheme",
            "[cache]\nurl = \"https://cache.plant.example\"\n",
        ),
        below(
            "a key in the address of a cache",
            "[cache]\nurl = \"s3://AKIAEXAMPLE:secret@results\"\n",
        ),
        below(
            "a key of a cache of another program",
            "[cache]\ndir = \"/srv/cache\"\n",
        ),
        below(
            "a word where a cache is only read",
            "[cache]\nurl = \"s3://results\"\nread_only = \"yes\"\n",
        ),
    ]
}

fn bases() -> Vec<Broken> {
    let whole_of = |extends: &str| {
        format!(
            "version = 3\nextends = {extends}\n\n[project]\nname = \"plant-7\"\n\n[dataset]\nkind = \"simulated\"\n"
        )
    };
    let extending = |mistake, extends: &str| whole(mistake, &whole_of(extends));
    vec![
        extending("a base that is not there", "\"common/base.toml\""),
        extending("a misspelt base", "\"bsae.toml\"").beside(&[("base.toml", "version = 3\n")]),
        extending("a file that extends itself", "\"pdm.toml\""),
        extending("two files that extend each other", "\"base.toml\"")
            .beside(&[("base.toml", "version = 3\nextends = \"pdm.toml\"\n")]),
        extending("a base that is a number", "7"),
        extending("a base of no version", "\"base.toml\"")
            .beside(&[("base.toml", "[split]\nfolds = 10\n")]),
        extending("a base that is no TOML", "\"base.toml\"")
            .beside(&[("base.toml", "version = 3\n\n[split\n")]),
        extending("a mistake in a base", "\"base.toml\"")
            .beside(&[("base.toml", "version = 3\n\n[split]\nfold = 10\n")]),
        extending(
            "a base by a variable that is not set",
            "\"${env:PDM_EXAMPLE_NOWHERE_SET}.toml\"",
        ),
        below(
            "a base below a section",
            "[split]\nfolds = 5\nextends = \"base.toml\"\n",
        ),
    ]
}

fn profiles() -> Vec<Broken> {
    let ci = "[profile.ci]\ntrain.seeds = 1\n";
    vec![
        arguments(
            "a profile that does not exist",
            ci,
            &["config", "show", "--profile", "c1"],
        ),
        arguments(
            "a profile in a file without profiles",
            "",
            &["config", "show", "-p", "ci"],
        ),
        variables(
            "a profile by a variable that does not exist",
            ci,
            &[("PDM_ML_PROFILE", "staging")],
        ),
        below("a profile without a name", "[profile]\ntrain.seeds = 1\n"),
        below(
            "a profile with a space in its name",
            "[profile.\"on demand\"]\ntrain.seeds = 1\n",
        ),
        below(
            "a profile that extends",
            "[profile.ci]\nextends = \"ci.toml\"\n",
        ),
        below(
            "a misspelt key in a profile that is not chosen",
            "[profile.ci]\nsplit.fold = 3\n",
        ),
        below(
            "a misspelt section in a profile",
            "[profile.ci.trian]\nseeds = 1\n",
        ),
        below(
            "a number in quotes in a profile",
            "[profile.ci]\nsplit.folds = \"3\"\n",
        ),
        below(
            "one gate in a profile",
            "[profile.ci.gate]\nmetric = \"rmse\"\nrule = \"at_most\"\nvalue = 16.0\n",
        ),
        below(
            "an unknown kind in a profile",
            "[profile.ci]\nmodel.kind = \"xgboost\"\n",
        ),
        below(
            "a word that is no choice in a profile",
            "[profile.ci]\ncalibrate.method = \"split\"\n",
        ),
        arguments(
            "a profile whose values do not go together",
            "[profile.ci]\ncalibrate.coverage = 0.99\ndataset.train_units = 20\n",
            &["config", "show", "-p", "ci"],
        ),
    ]
}

fn environment() -> Vec<Broken> {
    vec![
        variables(
            "a variable of a misspelt key",
            "",
            &[("PDM_ML__SPLIT__FOLD", "3")],
        ),
        variables(
            "a variable of a misspelt section",
            "",
            &[("PDM_ML__SPLTI__FOLDS", "3")],
        ),
        variables(
            "a variable of the wrong type",
            "",
            &[("PDM_ML__SPLIT__FOLDS", "three")],
        ),
        variables("a variable that names no key", "", &[("PDM_ML__", "3")]),
        variables(
            "a variable with too few underscores",
            "",
            &[("PDM_ML__SPLIT_FOLDS", "3")],
        ),
        whole(
            "a key divided by an underscore",
            "version = 3\nsplit_folds = 5\n\n[project]\nname = \"plant-7\"\n\n[dataset]\nkind = \"simulated\"\n",
        ),
        variables(
            "a base by a variable's key",
            "",
            &[("PDM_ML__EXTENDS", "base.toml")],
        ),
        variables(
            "a secret in the wrong variable",
            "",
            &[("PDM_ML__TRACKING__TOKEN_ENV", "dapi-hunter2")],
        ),
        variables(
            "an invalid registry in a variable",
            "",
            &[("PDM_ML_REGISTRY", "ftp://hunter2@models")],
        ),
        below(
            "a variable where none is read",
            "[model]\nkind = \"${env:FAMILY:-gbdt}\"\n",
        ),
        below(
            "a variable that is not set",
            "[registry]\nurl = \"${env:PDM_EXAMPLE_NOWHERE_SET}\"\n",
        ),
        below(
            "a variable that is never closed",
            "[registry]\nurl = \"${env:HOME/registry\"\n",
        ),
        below(
            "a variable with a hyphen",
            "[tracking]\ndir = \"${env:RUN-STORE}\"\n",
        ),
        below(
            "a number from the environment",
            "[split]\nfolds = \"${env:FOLDS:-5}\"\n",
        ),
    ]
}

fn overrides() -> Vec<Broken> {
    vec![
        arguments(
            "an override without a value",
            "",
            &["config", "show", "--set", "split.folds"],
        ),
        arguments(
            "an override without a key",
            "",
            &["config", "show", "--set", "=5"],
        ),
        arguments(
            "an override of an unknown key",
            "",
            &["config", "show", "--set", "split.fold=5"],
        ),
        arguments(
            "an override of the wrong type",
            "",
            &["config", "show", "--set", "split.folds=five"],
        ),
        arguments(
            "an override of a gate that is not there",
            "[[gate]]\nmetric = \"rmse\"\nrule = \"at_most\"\nvalue = 16.0\n",
            &["config", "show", "--set", "gate.1.value=14"],
        ),
        arguments(
            "an override within a value",
            "[split]\nfolds = 5\n",
            &["config", "show", "--set", "split.folds.x=5"],
        ),
        arguments(
            "an override of the base",
            "",
            &["config", "show", "--set", "extends=base.toml"],
        ),
        arguments(
            "a profile by an override",
            "",
            &["config", "show", "--set", "profile.ci.train.seeds=1"],
        ),
        arguments(
            "a secret by an override",
            "[[notify]]\nkind = \"webhook\"\nurl = \"https://plant.example\"\n",
            &["config", "show", "--set", "notify.0.secret=hunter2"],
        ),
        arguments(
            "the flag of another program",
            "",
            &["run", "--config", "pdm.toml"],
        ),
        arguments(
            "a pipeline that is not there",
            "",
            &["config", "show", "pipelines/fd01.toml"],
        ),
    ]
}

fn several() -> Vec<Broken> {
    vec![whole(
        "many mistakes at once",
        "version = 3\n\n[project]\nname = \"turbofan-fd002\"\nsede = 7\n\n[dataset]\nkind = \"cmapss\"\nsubset = \"FD002\"\n\n\
         [split]\nfolds = \"five\"\n\n[features]\nregimes = 1\n\n[modle]\nkind = \"gbdt\"\n\n[calibrate]\ncoverage = 90\n\n\
         [[gate]]\nmetric = \"rsme\"\nrule = \"at_most\"\n\n[registry]\nurl = \"${env:PDM_EXAMPLE_NOWHERE_SET}\"\n",
    )]
}

/// Returns the output of the command for a file.
fn answer_to(project: &Project, file: &Broken) -> Answer {
    project.write("pdm.toml", &file.bytes);
    file.beside
        .iter()
        .for_each(|(name, text)| project.write(name, text));
    let args = if file.args.is_empty() {
        &["config", "show"]
    } else {
        file.args
    };
    let answer = Answer::of(project.command(args).envs(file.variables.iter().copied()));
    file.beside
        .iter()
        .for_each(|(name, _)| std::fs::remove_file(project.file(name)).unwrap());
    answer
}

/// The codes in brackets behind `error`.
fn codes(stderr: &str) -> impl Iterator<Item = Code> {
    stderr
        .split("error[")
        .skip(1)
        .filter_map(|rest| Code::named(rest.split(']').next()?))
}

#[test]
fn every_mistake_is_reported_as_the_table_shows() {
    let (project, files) = (Project::empty(), files());
    let names: BTreeSet<_> = files.iter().map(|file| file.mistake).collect();
    assert!(
        names.len() == files.len() && files.len() >= 60,
        "{} files",
        files.len()
    );
    let head = HEAD.trim_end();
    let mut table = format!(
        "# {} broken files, and the error of each\n\nMade by `scripts/regenerate`. Files that do not\n\
          begin with `version` follow these lines, from line 9 on:\n\n```toml\n{head}\n```\n",
        files.len()
    );
    let (mut seen, mut accepted) = (BTreeSet::new(), Vec::new());
    for file in &files {
        let answer = answer_to(&project, file);
        let stderr = answer.stderr;
        if (answer.code, answer.stdout.as_str()) != (2, "") || codes(&stderr).next().is_none() {
            accepted.push(format!("{}: {} {stderr}", file.mistake, answer.code));
        }
        seen.extend(codes(&stderr));
        let command = if file.variables.is_empty() {
            file.args
        } else {
            &["config", "show"]
        }
        .join(" ");
        let set = file
            .variables
            .iter()
            .map(|(name, value)| format!("{name}={value} "))
            .collect::<String>();
        let command = if command.is_empty() {
            command
        } else {
            format!("\n`{set}pdm-ml {command}`\n")
        };
        let shown = file.shown.trim_end();
        let text = if shown.is_empty() {
            String::new()
        } else {
            format!("\n```toml\n{shown}\n```\n")
        };
        let beside = |(name, text): &(&str, &str)| {
            format!(
                "\n`{name}` next to it:\n\n```toml\n{}\n```\n",
                text.trim_end()
            )
        };
        let beside = file.beside.iter().map(beside).collect::<String>();
        let stderr = stderr.replace(&format!("{}", project.path().display()), "<folder>");
        write!(
            table,
            "\n## {}\n{command}{text}{beside}\n```text\n{}\n```\n",
            file.mistake,
            stderr.trim_end()
        )
        .unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken.md");
    if std::env::var_os("UPDATE_BROKEN").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    assert!(accepted.is_empty(), "not refused: {accepted:#?}");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = table
        .lines()
        .zip(committed.lines())
        .find(|(now, before)| now != before);
    assert!(
        table == committed,
        "tests/broken.md is not what the program makes now: run `scripts/regenerate` and read what it changes: {differs:?}"
    );
    let of_files = |code: &&Code| matches!(code.number(), 101..150 | 170..190);
    let unseen: Vec<_> = Code::ALL
        .iter()
        .filter(|code| of_files(code) && !seen.contains(code))
        .collect();
    assert!(unseen.is_empty(), "no broken file shows {unseen:?}");
}
